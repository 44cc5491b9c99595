"""The operations, one file each: every one reads as the verbs in order, with the law asked at both gates."""

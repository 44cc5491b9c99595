"""The duty to file: where it begins, by a pack's own numbers; when it was raised, once; the day on which it ends."""

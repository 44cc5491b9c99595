"""The count of persons and the duty to file; here so far: the lines, and what can be said without running a clock."""

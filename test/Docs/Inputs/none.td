// No example at all.

"""Analysis: what a compiled policy says as a whole, from sets of classes and never per pair."""

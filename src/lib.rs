//! mailwitness.

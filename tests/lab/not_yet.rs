//! Cases that do not come right yet, each with its reason. A case that comes right must leave its list.

/// Ending, verdict or match differ from the truth.
pub(crate) const ENDINGS: &[(&str, &str)] = &[];

/// The cause is wrong, said though it cannot be known, or missing though it can and a device or the path did it.
pub(crate) const CAUSES: &[(&str, &str)] = &[];

/// Of the interference cases with a knowable cause so many tenths are named or likely, at least.
pub(crate) const INTERFERENCE_TENTHS: usize = 9;

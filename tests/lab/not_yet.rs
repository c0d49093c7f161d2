//! Cases that do not come right yet, each with its reason. A case that comes right must leave its list.

/// Ending, verdict or match differ from the truth.
pub(crate) const ENDINGS: &[(&str, &str)] = &[];

/// The cause is wrong, said though it cannot be known, or missing though it can and a device or the path did it.
pub(crate) const CAUSES: &[(&str, &str)] = &[];

/// Of the interference cases with a knowable cause so many tenths are named or likely, at least.
pub(crate) const INTERFERENCE_TENTHS: usize = 9;

/// Signs that no case raises.
pub(crate) const SIGNS: &[(&str, &str)] = &[
    (
        "reset_behind_received_data",
        "a kernel drops such a reset, so it needs one that had been exact when it was sent",
    ),
    ("dscp_differs", "weak by itself; no case sets it"),
    ("icmp_too_big", "the lab's black hole tells nobody, and a path that tells is no black hole"),
    ("tls_alert_by_the_sender", "the failed handshakes of the lab bring no message that is aborted"),
    ("tls_alert_by_the_appliance", "the failed handshakes of the lab bring no message that is aborted"),
    ("tls_handshake_broken_off", "the failed handshakes of the lab bring no message that is aborted"),
    (
        "stopped_at_the_unscaled_window",
        "needs a device that drops what exceeds the unscaled window; the lab's only hides the scale",
    ),
];

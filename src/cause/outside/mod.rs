//! A second capture, taken on the sender's side of the firewall at the same time: what is on one side only
//! was made, dropped or changed in between.
//!
//! Both captures are read once more, restricted to the cases' connections, with a bounded record of each
//! packet ([`Tape`]). A connection is found again by its ends; where these are translated (NAT), by the
//! number of its SYN or by number, length and sum of its segments. Packets are then compared by their places
//! in the two streams, counted from each side's own SYN, for firewalls renumber. A network card or kernel may
//! join or split segments, so octets are compared by ranges, and lone acknowledgments not at all.
//!
//! Nothing is concluded from what the outside capture lacks unless it shows the connection whole: it must
//! cover its time and hold all octets that arrived inside. What it has more than the inside one was dropped
//! in between, unless the appliance acknowledged it.

mod compare;
mod signs;
mod tape;

pub use compare::Comparison;
pub use signs::{CHANGED, DROPPED, DROPPED_AT_LIMIT, RESET_MADE, RULES, SAME, signs};
pub use tape::{Found, Packet, Tape, Wanted, inside, outside};

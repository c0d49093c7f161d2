//! A second capture, taken on the sender's side of the firewall at the same time: what is on one side only
//! was made, dropped or changed in between.
//!
//! ```text
//! read (both files, one bounded Tape a connection) -> pairs (places in the streams) -> passage, clock
//!     -> compare (Comparison) -> signs
//! ```
//!
//! A connection is found again by its ends; where these are translated (NAT), by the number of its SYN or by
//! number, length and sum of its segments; where the numbers are others as well, by the lengths and sums of
//! what the sender said, in their order. Packets are then compared by their places in the two streams, counted
//! from each side's own SYN, for firewalls renumber. A network card or kernel may join or split segments, so
//! octets are compared by ranges, and lone acknowledgments not at all.
//!
//! What bears the same octets is not yet the same packet: a proxy that ends the connection and opens one of its
//! own sends them anew ([`Passage`]). Then packets on one side only say nothing, and who closed first does.
//!
//! Nothing is concluded from what the outside capture lacks unless it shows the connection whole: it must
//! cover its time and hold all octets that arrived inside. What it has more than the inside one was dropped
//! in between, unless the appliance acknowledged it.

mod clock;
mod compare;
mod pairs;
mod passage;
mod places;
mod read;
mod search;
mod signs;
mod tape;
#[cfg(test)]
mod testing;

pub use clock::Offset;
pub use compare::{Comparison, OnePlace, Reach};
pub use passage::{Identity, Passage};
pub use read::{FileFacts, Found, Reading, Wanted, inside, outside};
pub use signs::{
    CHANGED, DROPPED, DROPPED_AT_LIMIT, PROXY_CLOSED, PROXY_KEEPS, PROXY_PASSES_ON, RESET_MADE, RULES,
    SAID_IN_BETWEEN, SAME, TWO_CONNECTIONS, signs,
};
pub use tape::{Look, Packet, Tape};

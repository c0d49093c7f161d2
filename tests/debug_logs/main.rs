//! The appliance's debug logs against the wire, in every case of `captures/`.
//!
//! Where the lab's appliance wrote a debug log beside the capture, both must tell the same octets ([`own`]). For
//! every case such a log is also made from the wire itself ([`from_wire`]), and then one octet is changed, taken out
//! or put in: the report must point it out.

// A failed test is a panic by design, in its helpers too.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod cases;
mod from_wire;
mod own;
mod written;

use serde_json::Value;

/// The octets of one direction that are told to be the same, or to be credentials.
fn told(account: &Value) -> u64 {
    number(&account["equal"]) + number(&account["credentials"])
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

//! The second witness: the connection as a capture of the sender's side has it.

use super::page::Page;
use super::show;
use crate::cause::outside::{Offset, Passage};
use crate::net::Party;
use crate::report::document::OutsideAccount;
use crate::report::words::{Names, counted};

pub(super) fn write(page: &mut Page, account: &OutsideAccount, names: Names) {
    let mut lines = vec![show::path(&account.capture)];
    let both = counted(account.packets_on_both_sides, "packet", "packets");
    lines.push(match account.passage {
        Passage::SamePackets => format!("{both} on both sides, the same ones"),
        Passage::Proxied => {
            format!("{both} with the same octets on both sides, but not the same ones: a proxy lies between")
        }
        Passage::Unknown => format!("{both} with the same octets on both sides"),
    });
    if !account.whole {
        lines.push("not whole: nothing is concluded from what it lacks".to_owned());
    }
    if account.same_place {
        lines.push("taken at the same place: it shows nothing more".to_owned());
    }
    if let (Some(sender), Some(appliance), false) =
        (account.sender, account.appliance, account.translated.is_empty())
    {
        let whose = parties(&account.translated, names);
        lines.push(format!("translated (NAT), {whose}: there it is {sender} -> {appliance}"));
    }
    if account.passage != Passage::Proxied && !account.renumbered.is_empty() {
        let whose = parties(&account.renumbered, names);
        lines.push(format!(
            "sequence numbers shifted by one figure, {whose}: a firewall that renumbers, no change of content"
        ));
    }
    let clock = Offset { ahead: account.clock_ahead_seconds, give_or_take: account.give_or_take_seconds };
    lines.push(format!("its clock is {}", clock.words()));
    if account.hops != 0 {
        let hops = i64::from(account.hops).unsigned_abs();
        let way = if account.hops > 0 { "further out" } else { "further in" };
        lines.push(format!("{} {way}, by the sender's TTL", counted(hops, "hop", "hops")));
    }
    page.fields("Outside", &lines);
}

fn parties(parties: &[Party], names: Names) -> String {
    let each: Vec<&str> = parties
        .iter()
        .map(|party| match party {
            Party::Sender => names.sender,
            Party::Appliance => names.appliance,
        })
        .collect();
    format!("the {}'s", each.join("'s and the "))
}

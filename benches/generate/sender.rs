//! The population: hosts that send mail, each with its own stack, distance, name and habits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::Options;
use super::rng::Rng;

/// Times are nanoseconds; these read better.
pub(crate) const MICRO: i64 = 1_000;
pub(crate) const MILLI: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

/// A port rests this long after its connection (TIME-WAIT, twice a segment's life of 30 s).
const PORT_REST: i64 = 60 * SECOND;

/// Whose TCP it is, as far as a capture shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// TTL 64, timestamps, an active RST that looks like the segments before it.
    Linux,
    /// TTL 128, no timestamps, an RST with a window of 0.
    Windows,
    /// TTL 64, timestamps, the options of FreeBSD. The appliance has it too.
    Bsd,
}

impl Stack {
    /// The TTL that it sends with.
    pub(crate) fn ttl(self) -> u8 {
        if self == Self::Windows { 128 } else { 64 }
    }

    /// Whether it asks for timestamps (RFC 7323).
    pub(crate) fn timestamps(self) -> bool {
        self != Self::Windows
    }

    /// The window of its SYN, and of its other segments at the scale of [`Self::scale`].
    pub(crate) fn windows(self) -> (u16, u16) {
        match self {
            Self::Linux => (64_240, 502),
            Self::Windows => (64_240, 1_026),
            Self::Bsd => (65_535, 1_026),
        }
    }

    /// The window scale that it offers.
    pub(crate) fn scale(self) -> u8 {
        match self {
            Self::Linux => 7,
            Self::Windows => 8,
            Self::Bsd => 6,
        }
    }
}

/// A host that sends mail.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) address: IpAddr,
    /// Its name, if its address has one.
    pub(crate) reverse: Option<String>,
    pub(crate) verified: bool,
    pub(crate) helo: String,
    pub(crate) domain: String,
    pub(crate) stack: Stack,
    pub(crate) ttl: u8,
    /// Round trip between it and the appliance.
    pub(crate) rtt: i64,
    /// Time that a full segment takes on the slowest link.
    pub(crate) gap: i64,
    pub(crate) mss: u16,
    pub(crate) pipelining: bool,
    /// Whether all its messages have the same envelope.
    pub(crate) equal_envelopes: bool,
    /// Plain octets that it puts in one TLS record.
    pub(crate) record: u64,
    pub(crate) reputation: Option<i64>,
    pub(crate) country: &'static str,
    /// The first of its ports, how many it has, and when each that was used is free again.
    ports_from: u16,
    ports_max: usize,
    ports: Vec<i64>,
    next_port: usize,
}

impl Sender {
    /// The `index`-th sender of a population.
    pub(crate) fn new(options: &Options, index: u32) -> Self {
        /// Streams of chance from here on belong to senders.
        const STREAMS: u64 = 1 << 48;
        let mut rng = Rng::new(options.seed, STREAMS + u64::from(index));
        let address = if rng.chance(options.ipv6) { v6(index) } else { v4(index) };
        let domain = format!(
            "{}{index}.{}",
            rng.pick(&"acme", &["north", "parcel", "metal", "uni", "shop", "travel", "bank", "city"]),
            rng.pick(&"example", &["test", "example.net", "example.org", "example.com"]),
        );
        let name =
            format!("{}{}.{domain}", rng.pick(&"mail", &["mx", "out", "smtp", "relay"]), rng.below(9) + 1);
        let stack = *rng.pick(&Stack::Linux, &[Stack::Linux, Stack::Linux, Stack::Windows, Stack::Bsd]);
        let named = rng.chance(0.85);
        let rtt = (rng.log_normal(30.0, 0.9) * MILLI as f64) as i64;
        Self {
            address,
            verified: named && rng.chance(0.9),
            helo: if rng.chance(0.1) { "localhost.localdomain".to_owned() } else { name.clone() },
            reverse: named.then_some(name),
            domain,
            stack,
            ttl: stack.ttl() - rng.between(4, 22) as u8,
            rtt: rtt.clamp(300 * MICRO, 400 * MILLI),
            // 1,500 octets at 10 Mbit/s to 1 Gbit/s.
            gap: *rng.pick(&(120 * MICRO), &[12 * MICRO, 24 * MICRO, 240 * MICRO, 1_200 * MICRO]),
            mss: rng.pick(&1460, &[1460, 1460, 1452, 1380]) - if address.is_ipv6() { 20 } else { 0 },
            pipelining: rng.chance(options.pipelining),
            equal_envelopes: rng.chance(options.equal_envelopes),
            record: *rng.pick(&16_384, &[16_384, 8_192, 4_096]),
            reputation: rng.chance(0.8).then(|| rng.between(-30, 80)),
            country: *rng
                .pick(&"United States", &["Germany", "Japan", "Brazil", "Netherlands", "not applicable"]),
            ports_from: rng.between(32_768, 60_000) as u16,
            ports_max: *rng.pick(&256, &[32, 64, 1_024]),
            ports: Vec::new(),
            next_port: 0,
        }
        .with_ports(options.ports)
    }

    /// The same with as many ports as were asked for.
    fn with_ports(self, wanted: Option<u16>) -> Self {
        let Some(wanted) = wanted else { return self };
        let ports_from = self.ports_from.min(u16::MAX - wanted);
        Self { ports_from, ports_max: usize::from(wanted), ..self }
    }

    /// A port that is free at `now`; it is taken until [`Self::release`].
    pub(crate) fn take_port(&mut self, now: i64) -> Option<u16> {
        for _ in 0..self.ports_max {
            let place = self.next_port;
            self.next_port = (place + 1) % self.ports_max;
            if place == self.ports.len() {
                self.ports.push(i64::MIN);
            }
            if let Some(free_at) = self.ports.get_mut(place).filter(|free_at| **free_at <= now) {
                *free_at = i64::MAX;
                return Some(self.ports_from + place as u16);
            }
        }
        None
    }

    /// The connection of that port is over.
    pub(crate) fn release(&mut self, port: u16, now: i64) {
        if let Some(free_at) = self.ports.get_mut(usize::from(port.saturating_sub(self.ports_from))) {
            *free_at = now + PORT_REST;
        }
    }
}

/// The appliance's address in either family.
pub(crate) fn appliance(of: IpAddr) -> IpAddr {
    match of {
        IpAddr::V4(_) => Ipv4Addr::new(203, 0, 113, 25).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0x25, 0, 0, 0, 0, 0x25).into(),
    }
}

/// The documentation ranges 192.0.2.0/24 and 198.51.100.0/24 (RFC 5737), then the one for benchmarks, 198.18.0.0/15
/// (RFC 2544).
fn v4(index: u32) -> IpAddr {
    match index {
        0..254 => Ipv4Addr::new(192, 0, 2, index as u8 + 1),
        254..508 => Ipv4Addr::new(198, 51, 100, (index - 254) as u8 + 1),
        _ => Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + index - 507),
    }
    .into()
}

/// 2001:db8::/32 (RFC 3849).
fn v6(index: u32) -> IpAddr {
    Ipv6Addr::from_bits(Ipv6Addr::new(0x2001, 0xdb8, 0x100, 0, 0, 0, 0, 0).to_bits() + u128::from(index) + 1)
        .into()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let mut sender = Sender::new(&Options::parse_from(["generate"]), 3);
        let mut seen = std::collections::BTreeSet::new();
        while let Some(port) = sender.take_port(0) {
            assert!(seen.insert(port), "{port} twice");
        }
        assert_eq!(seen.len(), sender.ports_max);
        let first = *seen.first().unwrap();
        sender.release(first, 0);
        assert_eq!(sender.take_port(PORT_REST - 1), None);
        assert_eq!(sender.take_port(PORT_REST), Some(first));
    }

    #[test]
    fn addresses_are_distinct() {
        let all: std::collections::BTreeSet<_> = (0..100_000).flat_map(|n| [v4(n), v6(n)]).collect();
        assert_eq!(all.len(), 200_000);
        assert!(!all.contains(&appliance(v4(0))) && !all.contains(&appliance(v6(0))));
    }
}

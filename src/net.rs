//! Addresses and who stands at them.
//!
//! On the wire there are a client and a server ([`Role`]); once the log has said which end is the
//! appliance, there are a sender and an appliance ([`Party`]). [`Leg`] is the bridge between the two.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use sha1::{Digest, Sha1};

/// IANA protocol number of TCP, as Community ID hashes it.
const PROTOCOL_TCP: u8 = 6;

/// An IP address and a TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address; IPv4-mapped IPv6 addresses are kept as they were on the wire.
    pub ip: IpAddr,
    /// The TCP port.
    pub port: u16,
}

impl Endpoint {
    /// The endpoint `ip`:`port`.
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip, port }
    }
}

/// `192.0.2.10:25`, `[2001:db8::25]:25`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Endpoint {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "ip:port, or [v6]:port" })
    }
}

/// The two ends of a TCP connection by their roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourTuple {
    /// The end that opened the connection.
    pub client: Endpoint,
    /// The end that accepted it.
    pub server: Endpoint,
}

impl FourTuple {
    /// Community ID version 1 with seed 0, the key shared with Zeek, Suricata, Elastic and Arkime.
    ///
    /// Source: <https://github.com/corelight/community-id-spec>.
    ///
    /// ```
    /// use mailwitness::net::{Endpoint, FourTuple};
    /// let tuple = FourTuple {
    ///     client: Endpoint::new("1.2.3.4".parse().unwrap(), 1122),
    ///     server: Endpoint::new("5.6.7.8".parse().unwrap(), 3344),
    /// };
    /// assert_eq!(tuple.community_id(), "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    /// ```
    pub fn community_id(&self) -> String {
        let key = |end: &Endpoint| (octets(end.ip), end.port);
        let (low, high) = if key(&self.client) <= key(&self.server) {
            (self.client, self.server)
        } else {
            (self.server, self.client)
        };
        let mut hash = Sha1::new();
        hash.update(0u16.to_be_bytes());
        hash.update(octets(low.ip));
        hash.update(octets(high.ip));
        hash.update([PROTOCOL_TCP, 0]);
        hash.update(low.port.to_be_bytes());
        hash.update(high.port.to_be_bytes());
        format!("1:{}", STANDARD.encode(hash.finalize()))
    }
}

/// `client -> server`.
impl fmt::Display for FourTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.client, self.server)
    }
}

/// An address without the IPv4-in-IPv6 dress (`::ffff:192.0.2.1`), so that two accounts of one
/// host compare equal.
pub fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// TCP's ends: all that the wire alone knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The end that opened the connection and speaks SMTP commands.
    Client,
    /// The end that accepted it and speaks SMTP replies.
    Server,
}

impl Role {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The mail's ends, once the log has said which end is the appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The far end of the connection: who sends mail to the appliance (on the delivery leg, the
    /// host that the appliance sends to).
    Sender,
    /// The appliance whose log is read.
    Appliance,
}

/// Which way the mail goes through the appliance on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Mail comes in (ICID): the appliance is the server.
    Injection,
    /// Mail goes out (DCID): the appliance is the client.
    Delivery,
}

impl Leg {
    /// The appliance's role on the wire.
    pub const fn appliance(self) -> Role {
        match self {
            Self::Injection => Role::Server,
            Self::Delivery => Role::Client,
        }
    }

    /// Who stands at `role`.
    pub const fn party(self, role: Role) -> Party {
        match (self, role) {
            (Self::Injection, Role::Server) | (Self::Delivery, Role::Client) => Party::Appliance,
            (Self::Injection, Role::Client) | (Self::Delivery, Role::Server) => Party::Sender,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(client: &str, client_port: u16, server: &str, server_port: u16) -> FourTuple {
        FourTuple {
            client: Endpoint::new(client.parse().unwrap(), client_port),
            server: Endpoint::new(server.parse().unwrap(), server_port),
        }
    }

    /// Vectors of the specification's baseline, and four computed apart from this code.
    #[test]
    fn community_ids_agree_with_the_specification() {
        let rows = [
            (tuple("1.2.3.4", 1122, "5.6.7.8", 3344), "1:wCb3OG7yAFWelaUydu0D+125CLM="),
            (tuple("5.6.7.8", 3344, "1.2.3.4", 1122), "1:wCb3OG7yAFWelaUydu0D+125CLM="),
            (
                tuple("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25),
                "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
            ),
            (tuple("128.232.110.120", 34855, "66.35.250.204", 80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (tuple("192.0.2.10", 49152, "198.51.100.25", 25), "1:RzDnnE7xf3zea0xSdR9S8QLoGxY="),
            (tuple("2001:db8::10", 49152, "2001:db8::25", 25), "1:T5cbaiCKkgAujiArouiWlxSYOm8="),
            (tuple("10.0.0.1", 25, "10.0.0.1", 1024), "1:XD0j2QRXmRSbJEoWIeOmVnxu9VQ="),
        ];
        for (tuple, expected) in rows {
            assert_eq!(tuple.community_id(), expected, "{tuple}");
        }
    }

    #[test]
    fn endpoints_bracket_ipv6() {
        assert_eq!(Endpoint::new("2001:db8::25".parse().unwrap(), 25).to_string(), "[2001:db8::25]:25");
    }

    #[test]
    fn the_leg_says_who_stands_where() {
        assert_eq!(Leg::Injection.party(Role::Client), Party::Sender);
        assert_eq!(Leg::Delivery.party(Role::Client), Party::Appliance);
    }
}

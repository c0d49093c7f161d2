//! The counts of a report.

use schemars::JsonSchema;
use serde::Serialize;

/// The counts of a report.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Claims judged about what came in and was aborted; deliveries are counted apart.
    pub aborted: u64,
    /// Of these, confirmed by the wire.
    pub confirmed: u64,
    /// Of these, contradicted by it.
    pub contradicted: u64,
    /// Of these, undetermined.
    pub undetermined: u64,
    /// Connections in the log that came in (`ICID 0` left out).
    pub connections: u64,
    /// Claims about accepted, delivered or unfinished messages, with `--all`.
    pub finished: u64,
    /// SMTP connections on the wire.
    pub wire_connections: u64,
    /// Of these, without an ICID in the log.
    pub wire_without_icid: u64,
    /// Of [`Self::connections`], those found on the wire.
    pub matched: u64,
    /// Messages of the log that are left out by rule: `ICID 0`.
    pub icid_zero: u64,
    /// Aborts by policy, which are no endings of connections.
    pub policy_aborts: u64,
    /// Mail that goes out, where the appliance is the client.
    pub deliveries: Deliveries,
}

/// What the log says of its deliveries, and what the wire makes of it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Deliveries {
    /// Claims judged about a delivery that failed over a connection.
    pub failed: u64,
    /// Of these, confirmed by the wire.
    pub confirmed: u64,
    /// Of these, contradicted by it.
    pub contradicted: u64,
    /// Of these, undetermined.
    pub undetermined: u64,
    /// Connections in the log that went out (DCIDs).
    pub connections: u64,
    /// Of these, those found on the wire.
    pub matched: u64,
    /// Bounces and delays of `DCID 0`, which never had a connection: left out.
    pub never_connected: u64,
}

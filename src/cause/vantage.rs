//! Where the capture was taken: on the appliance, or somewhere on the way to it.

use schemars::JsonSchema;
use serde::Serialize;

/// See the module. Only a capture taken on the appliance proves that the appliance itself sent what
/// bears its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    /// On the appliance: its segments are as they leave its stack.
    OnAppliance,
    /// On the way: a mirror port, a tap, another host.
    OnTheWay,
    /// The capture does not tell.
    #[default]
    Unknown,
}

//! Where the capture was taken: on the appliance, beside it, or somewhere on the way to it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::capture::segment::Checksum;
use crate::capture::{Side, Trace};
use crate::cause::headers;

/// See the module. Only a capture taken on the appliance proves that the appliance itself sent what
/// bears its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    /// On the appliance: its segments show before its network card has split them or filled in their
    /// checksums.
    OnAppliance,
    /// On the appliance, or on its own network segment (a mirror port): its packets have passed no
    /// router.
    Beside,
    /// On the way: its packets have passed a router.
    OnTheWay,
    /// The capture does not tell.
    #[default]
    Unknown,
}

impl Vantage {
    /// In words, as the rest of "The capture was taken ...".
    pub const fn words(self) -> &'static str {
        match self {
            Self::OnAppliance => {
                "on the appliance itself: its own segments show as they leave its stack, before its network card"
            }
            Self::Beside => {
                "on the appliance or on its network segment: its own packets have passed no router"
            }
            Self::OnTheWay => "on the way: the appliance's packets have passed a router before",
            Self::Unknown => "at a place that the capture does not tell",
        }
    }
}

/// Segments of the appliance that make a habit.
const MIN_SEGMENTS: u64 = 4;

/// Where one connection was captured, by the packets of its `appliance` side.
pub fn of(trace: &Trace, appliance: Side) -> Vantage {
    let habits = trace.habits.of(appliance);
    let segments: u64 = habits.ttls.iter().map(|(_, count)| count).sum();
    // What the other end allows (RFC 9293 section 3.7.1).
    let allowed = trace.handshake.of(appliance.other()).as_ref().and_then(|syn| syn.mss);
    if allowed.is_some_and(|mss| habits.max_payload > u32::from(mss)) {
        return Vantage::OnAppliance;
    }
    let ours = || headers::all(trace).filter(|header| header.by == appliance && header.payload > 0);
    let checked = ours().filter(|header| header.checksum != Checksum::Unchecked).count() as u64;
    let unfilled = ours().filter(|header| header.checksum == Checksum::Bad).count() as u64;
    let theirs_fine = trace.habits.of(appliance.other()).bad_checksums == 0;
    if checked >= MIN_SEGMENTS && unfilled == checked && theirs_fine {
        return Vantage::OnAppliance;
    }
    match habits.ttls.as_slice() {
        [(ttl, _)] if segments >= MIN_SEGMENTS => {
            if headers::hops(*ttl).0 == 0 {
                Vantage::Beside
            } else {
                Vantage::OnTheWay
            }
        }
        _ => Vantage::Unknown,
    }
}

/// The vantage that most of some connections show; any that was captured on the appliance proves it for
/// all of its capture.
pub fn of_all(each: impl IntoIterator<Item = Vantage>) -> Vantage {
    let (mut beside, mut on_the_way) = (0u64, 0u64);
    for vantage in each {
        match vantage {
            Vantage::OnAppliance => return Vantage::OnAppliance,
            Vantage::Beside => beside += 1,
            Vantage::OnTheWay => on_the_way += 1,
            Vantage::Unknown => {}
        }
    }
    match beside.cmp(&on_the_way) {
        std::cmp::Ordering::Greater => Vantage::Beside,
        std::cmp::Ordering::Less => Vantage::OnTheWay,
        std::cmp::Ordering::Equal => Vantage::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{Scene, appliance};

    fn seen(change: impl Fn(SegmentHeader) -> SegmentHeader) -> Vantage {
        let scene = Scene::with_headers(
            (0..6).map(|step| change(SegmentHeader { payload: 50, ip_id: Some(1), ..appliance(step * 10) })),
        );
        of(&scene.close_up.trace, Side::Responder)
    }

    #[test]
    fn the_appliances_own_packets_tell_the_place() {
        assert_eq!(seen(|header| header), Vantage::Beside);
        assert_eq!(seen(|header| SegmentHeader { ttl: 61, ..header }), Vantage::OnTheWay);
        assert_eq!(seen(|header| SegmentHeader { payload: 4000, ..header }), Vantage::OnAppliance);
        let unfilled = |header| SegmentHeader { checksum: Checksum::Bad, ..header };
        assert_eq!(seen(unfilled), Vantage::OnAppliance);
        assert_eq!(of(&Trace::default(), Side::Responder), Vantage::Unknown);
    }

    #[test]
    fn one_proof_counts_for_all() {
        use Vantage::{Beside, OnAppliance, OnTheWay, Unknown};
        assert_eq!(of_all([Beside, OnAppliance, OnTheWay, OnTheWay]), OnAppliance);
        assert_eq!(of_all([Beside, Beside, OnTheWay]), Beside);
        assert_eq!(of_all([Unknown]), Unknown);
    }
}

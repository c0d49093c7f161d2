//! The flows that alone are followed when a capture is read once more.

use std::sync::Arc;

use ahash::AHashSet;

use crate::capture::flow::FlowKey;
use crate::capture::segment::Segment;
use crate::net::FourTuple;

/// Connections by their ends, whichever of them is the client. Frames of all others still let time
/// go on, so that these flows begin and end just as they did when everything was followed.
#[derive(Debug, Clone, Default)]
pub struct Only(Arc<AHashSet<FlowKey>>);

impl FromIterator<FourTuple> for Only {
    fn from_iter<I: IntoIterator<Item = FourTuple>>(tuples: I) -> Self {
        let keys = tuples.into_iter().map(|tuple| FlowKey::between(tuple.client, tuple.server));
        Self(Arc::new(keys.collect()))
    }
}

impl Only {
    /// Whether `segment` belongs to one of them.
    #[inline]
    pub(crate) fn holds(&self, segment: &Segment<'_>) -> bool {
        self.0.contains(&FlowKey::of(segment).0)
    }
}

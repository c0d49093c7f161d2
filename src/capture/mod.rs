//! The wire: from capture files to TCP flows with their octets in order.
//!
//! ```text
//! read (file, interfaces) -> frame -> decode (segment) -> flow -> stream (ranges, gaps) -> close, trace
//! ```

mod close;
pub mod decode;
pub mod event;
pub mod flow;
pub mod flow_facts;
pub mod follow;
pub mod read;
pub mod segment;
mod stream;
pub mod trace;

pub use event::{Chunk, Conversation, FlowSink, FlowStart, Gap, Interest, Loss, OriginatorFrom, Pair, Side};
pub use flow_facts::{Close, CloseKind, Closes, ConnState, Effect, Flow, RoundTrip, StreamFacts};
pub use follow::{CaptureFile, CaptureInput, Only, Options, follow};
pub use trace::Trace;

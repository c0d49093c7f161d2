//! The wire: from capture files to TCP flows with their octets in order.
//!
//! ```text
//! read (file, interfaces) -> frame -> decode (segment) -> flow -> stream (ranges, gaps) -> close, trace
//! ```

pub mod event;
pub mod flow_facts;
pub mod trace;

pub use event::{Chunk, Conversation, FlowSink, FlowStart, Gap, Interest, Loss, OriginatorFrom, Pair, Side};
pub use flow_facts::{Close, CloseKind, Closes, ConnState, Effect, Flow, StreamFacts};
pub use trace::Trace;

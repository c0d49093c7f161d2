//! Capture filters (`--filter`): BPF expressions, compiled by libpcap for each link type met and
//! applied to the frames of either reader.

use thiserror::Error;

use super::{Frame, WITHOUT_LIBPCAP};

/// A filter expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// libpcap's words on the expression.
    #[error("filter `{expression}`: {words}")]
    Expression {
        /// The expression as typed.
        expression: String,
        /// What libpcap says.
        words: String,
    },
    /// libpcap is not compiled in.
    #[error("{WITHOUT_LIBPCAP}")]
    WithoutLibpcap,
}

#[cfg(feature = "libpcap")]
mod program {
    use pcap::{BpfProgram, Capture, Linktype};

    use super::super::LinkType;
    use super::{FilterError, Frame};

    /// A compiled filter.
    pub struct Filter {
        expression: String,
        /// Programs by link type, the last used first; `None` where the expression makes no sense
        /// on that link, so that no frame of it passes.
        programs: Vec<(LinkType, Option<BpfProgram>)>,
    }

    impl Filter {
        /// Compiles `expression` for Ethernet, so that a mistake is told before anything is read.
        ///
        /// # Errors
        /// With libpcap's words.
        pub fn new(expression: &str) -> Result<Self, FilterError> {
            let fail = |error: pcap::Error| FilterError::Expression {
                expression: expression.to_owned(),
                words: super::super::libpcap::words(error),
            };
            let program = compile(expression, LinkType::ETHERNET).map_err(fail)?;
            Ok(Self {
                expression: expression.to_owned(),
                programs: vec![(LinkType::ETHERNET, Some(program))],
            })
        }

        /// Whether `frame` passes.
        pub fn passes(&mut self, frame: &Frame<'_>) -> bool {
            let place = match self.programs.iter().position(|(link, _)| *link == frame.link) {
                Some(place) => place,
                None => {
                    self.programs.push((frame.link, compile(&self.expression, frame.link).ok()));
                    self.programs.len() - 1
                }
            };
            let program = self.programs.get(place).and_then(|(_, program)| program.as_ref());
            program.is_some_and(|program| program.filter(frame.bytes))
        }

        /// The expression as typed.
        pub fn expression(&self) -> &str {
            &self.expression
        }
    }

    impl Clone for Filter {
        /// Programs are compiled anew where they are needed.
        fn clone(&self) -> Self {
            Self { expression: self.expression.clone(), programs: Vec::new() }
        }
    }

    fn compile(expression: &str, link: LinkType) -> Result<BpfProgram, pcap::Error> {
        Capture::dead(Linktype(link.to_dlt()))?.compile(expression, true)
    }
}

#[cfg(not(feature = "libpcap"))]
mod program {
    use super::{FilterError, Frame};

    /// A compiled filter. This build has no libpcap to compile one.
    #[derive(Clone)]
    pub struct Filter(std::convert::Infallible);

    impl Filter {
        /// Compiles nothing.
        ///
        /// # Errors
        /// Always: this build has no libpcap.
        pub fn new(_: &str) -> Result<Self, FilterError> {
            Err(FilterError::WithoutLibpcap)
        }

        /// Whether `frame` passes.
        pub fn passes(&mut self, _: &Frame<'_>) -> bool {
            match self.0 {}
        }

        /// The expression as typed.
        pub fn expression(&self) -> &str {
            match self.0 {}
        }
    }
}

pub use program::Filter;

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Filter").field(&self.expression()).finish()
    }
}

//! `mailwitness schema`: the JSON Schema of what a command writes.

use mailwitness::report::schema::{SchemaOf, schema};

use super::args::SchemaArgs;
use super::choices::SchemaName;
use super::exit::Exit;
use super::failure::Failure;
use super::output;

pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let of = match args.of {
        SchemaName::Report => SchemaOf::Report,
        SchemaName::Sessions => SchemaOf::Sessions,
        SchemaName::Messages => SchemaOf::Messages,
        SchemaName::Stats => SchemaOf::Stats,
        SchemaName::Follow => SchemaOf::Follow,
    };
    let mut text = serde_json::to_vec_pretty(&schema(of)).map_err(Failure::new)?;
    text.push(b'\n');
    output::print(&text)
}

//! JSON Schemas (draft 2020-12) of everything that mailwitness writes as JSON.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::report::document::Document;
use crate::report::messages::MessageRecord;
use crate::report::messages::follow::FollowedLine;
use crate::report::messages::stats::LineStats;
use crate::report::sessions::SessionRecord;

/// What there is a schema for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaOf {
    /// The document of `report --format json`.
    Report,
    /// One line of `sessions --format json`.
    Sessions,
    /// One line of `messages --format json`.
    Messages,
    /// The document of `messages --stats --format json`.
    Stats,
    /// One line of `messages --follow --format json`.
    Follow,
}

/// The schema of what is written (every key that is always there is required).
pub fn schema(of: SchemaOf) -> Schema {
    match of {
        SchemaOf::Report => generate::<Document>("mailwitness report"),
        SchemaOf::Sessions => generate::<SessionRecord<'_>>("mailwitness sessions, one line"),
        SchemaOf::Messages => generate::<MessageRecord<'_>>("mailwitness messages, one line"),
        SchemaOf::Stats => generate::<LineStats>("mailwitness messages --stats"),
        SchemaOf::Follow => generate::<FollowedLine<'_>>("mailwitness messages --follow, one line"),
    }
}

fn generate<T: JsonSchema>(title: &str) -> Schema {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, messages, samples, sessions};

    fn validator(of: SchemaOf) -> jsonschema::Validator {
        let schema = schema(of).to_value();
        jsonschema::meta::validate(&schema).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    }

    fn complaints(of: SchemaOf, json: &[u8]) -> Vec<String> {
        let value = serde_json::from_slice(json).unwrap();
        validator(of).iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn reports_keep_to_their_schema() {
        for document in [samples::everything(), samples::document(vec![])] {
            let mut json = Vec::new();
            json::write_document(&document, &mut json).unwrap();
            assert_eq!(complaints(SchemaOf::Report, &json), Vec::<String>::new());
        }
    }

    #[test]
    fn lists_keep_to_their_schemas() {
        let captures = ["wire.pcap".to_owned()];
        for (session, ending) in sessions::samples::all() {
            for detail in [sessions::Detail::Connection, sessions::Detail::Exchanges] {
                let record = sessions::SessionRecord::new(&session, &ending, captures.as_slice(), detail);
                let mut json = Vec::new();
                json::write_line(&record, &mut json).unwrap();
                assert_eq!(complaints(SchemaOf::Sessions, &json), Vec::<String>::new());
            }
        }
        let lines = messages::samples::records(&messages::samples::log(), |record| {
            let mut json = Vec::new();
            json::write_line(&record, &mut json).unwrap();
            json
        });
        for json in lines {
            assert_eq!(complaints(SchemaOf::Messages, &json), Vec::<String>::new());
        }
    }

    /// A schema that takes anything would pass the tests above.
    #[test]
    fn what_is_wrong_does_not_pass() {
        let mut json = Vec::new();
        json::write_document(&samples::everything(), &mut json).unwrap();
        let right: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let validator = validator(SchemaOf::Report);
        for (pointer, wrong) in [
            ("/summary/aborted", "many".into()),
            ("/cases/0/verdict", "perhaps".into()),
            ("/cases/0/wire/ending/frame", (-1).into()),
            ("/cases/0/log/rcpt_to/0", serde_json::Value::Null),
        ] {
            let mut document = right.clone();
            *document.pointer_mut(pointer).unwrap() = wrong;
            assert!(!validator.is_valid(&document), "{pointer}");
        }
        let mut document = right;
        document.as_object_mut().unwrap().remove("summary");
        assert!(!validator.is_valid(&document));
    }
}

//! JSON Lines, as Elastic, Splunk, Graylog and `jq -c` write them: one record a line, perhaps within
//! an array whose elements stand on lines of their own.

use serde_json::Value;

use super::fields::{self, Fields, MAX_FIELDS, SAMPLES};
use super::{Told, Translate};

/// How deep fields are looked for; Elastic nests three deep.
const MAX_DEPTH: usize = 8;

/// Translates records of JSON.
pub(super) struct Json {
    told: Told,
    line: u32,
    /// The first records, until the field is chosen; `None` for a line that holds no record.
    samples: Vec<Option<Fields>>,
    chosen: Option<String>,
    choosing: bool,
    any: bool,
}

impl Json {
    pub(super) fn new(told: Told) -> Self {
        Self { told, line: 0, samples: Vec::new(), chosen: None, choosing: true, any: false }
    }

    /// The first records have been seen: the field is chosen, and they are written.
    fn choose(&mut self, out: &mut Vec<u8>) {
        self.choosing = false;
        let samples = std::mem::take(&mut self.samples);
        self.chosen = fields::choose(samples.iter().flatten());
        if self.chosen.is_none() {
            let why = if samples.iter().flatten().next().is_some() {
                "no field of the first JSON records holds a line of a mail log"
            } else {
                "no line holds a whole JSON record: an export must have one record a line"
            };
            self.told.loss(why, 1);
        }
        let first = self.line.saturating_sub(u32::try_from(samples.len()).unwrap_or(0));
        for (at, fields) in (1..).zip(&samples) {
            self.write(fields.as_ref(), first.saturating_add(at), out);
        }
    }

    fn write(&mut self, fields: Option<&Fields>, line: u32, out: &mut Vec<u8>) {
        if let (Some(fields), Some(path)) = (fields, &self.chosen) {
            let start = out.len();
            if fields::line_of(fields, path, out) {
                self.any = true;
            } else {
                out.truncate(start);
                self.told.oddity("records without a line of the log, or without a stamp", line);
            }
        }
        out.push(b'\n');
    }
}

impl Translate for Json {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.line = self.line.saturating_add(1);
        let fields = fields_of(line);
        if fields.is_none() && !matches!(line.trim_ascii(), b"" | b"[" | b"]") {
            self.told.loss("lines that hold no JSON record", self.line);
        }
        if self.choosing {
            self.samples.push(fields);
            if self.samples.len() >= SAMPLES {
                self.choose(out);
            }
        } else {
            self.write(fields.as_ref(), self.line, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.choosing {
            self.choose(out);
        }
        if !self.any && self.chosen.is_some() {
            self.told.loss("no record tells when its line was written", 1);
        }
    }
}

/// The fields of the record on a line; `None` where there is none.
pub(super) fn fields_of(line: &[u8]) -> Option<Fields> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    let element = line.strip_prefix(b"[").or_else(|| line.strip_prefix(b",")).unwrap_or(line).trim_ascii();
    let bare = element.strip_suffix(b"]").unwrap_or(element).trim_ascii_end();
    let bare = bare.strip_suffix(b",").unwrap_or(bare);
    if !bare.starts_with(b"{") {
        return None;
    }
    let value: Value = serde_json::from_slice(bare).ok()?;
    let mut fields = Fields::new();
    flatten(&value, &mut String::new(), 0, &mut fields);
    Some(fields)
}

fn flatten(value: &Value, path: &mut String, depth: usize, fields: &mut Fields) {
    if depth > MAX_DEPTH || fields.len() >= MAX_FIELDS {
        return;
    }
    match value {
        Value::String(text) => fields.push((path.clone(), text.clone())),
        Value::Number(number) => fields.push((path.clone(), number.to_string())),
        Value::Object(members) => {
            for (name, member) in members {
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                flatten(member, path, depth + 1, fields);
                path.truncate(length);
            }
        }
        // Kibana's `fields` holds each value in an array of its own.
        Value::Array(elements) => {
            if let [element] = elements.as_slice() {
                flatten(element, path, depth + 1, fields);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

//! What is written is read back by a strict little reader of Zeek's format.

use std::collections::BTreeMap;

use super::*;
use crate::report::sessions::samples;
use crate::smtp::Ending;
use crate::text::Text;

type Cells = BTreeMap<String, Option<Vec<Vec<u8>>>>;

fn written(samples: &[(Session, Ending)]) -> String {
    let mut log = ZeekLog::default();
    let mut out = Vec::new();
    for (session, _) in samples {
        log.write(session, &mut out).unwrap();
    }
    log.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Reads a log: per row each column's elements, `None` where it is unset. Fails on anything odd.
fn read(log: &str) -> Vec<Cells> {
    let (mut fields, mut types, mut rows, mut closed) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("#separator \\x09"));
    for head in ["#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\tsmtp_conn"] {
        assert_eq!(lines.next(), Some(head));
    }
    for line in lines {
        assert!(!closed, "something behind #close: {line}");
        assert!(!line.chars().any(|c| c != '\t' && c.is_control()), "{line:?}");
        match line.strip_prefix('#').and_then(|line| line.split_once('\t')) {
            Some(("open", stamp)) => assert_eq!(stamp.len(), "2014-08-14-13-08-49".len()),
            Some(("fields", names)) => fields = names.split('\t').map(str::to_owned).collect(),
            Some(("types", names)) => types = names.split('\t').map(str::to_owned).collect(),
            Some(("close", _)) => closed = true,
            Some(_) => panic!("{line}"),
            None => {
                let cells: Vec<&str> = line.split('\t').collect();
                assert_eq!((cells.len(), types.len()), (fields.len(), fields.len()), "{line}");
                rows.push(
                    fields
                        .iter()
                        .zip(&types)
                        .zip(cells)
                        .map(|((f, t), c)| (f.clone(), value(t, c)))
                        .collect(),
                );
            }
        }
    }
    assert!(closed);
    rows
}

fn value(kind: &str, cell: &str) -> Option<Vec<Vec<u8>>> {
    assert!(!cell.is_empty(), "an empty cell of type {kind}");
    if cell == "-" {
        return None;
    }
    let element = |kind: &str, text: &str| {
        match kind {
            "time" | "interval" => assert!(text.split_once('.').unwrap().1.len() == 6, "{text}"),
            "count" | "port" => assert!(text.parse::<u64>().is_ok(), "{text}"),
            "addr" => assert!(text.parse::<std::net::IpAddr>().is_ok(), "{text}"),
            "bool" => assert!(["T", "F"].contains(&text), "{text}"),
            "string" | "enum" => {}
            other => panic!("no type of Zeek's: {other}"),
        }
        unescaped(text)
    };
    let inner = kind.strip_prefix("set[").or(kind.strip_prefix("vector[")).and_then(|k| k.strip_suffix(']'));
    Some(match inner {
        Some(_) if cell == "(empty)" => vec![],
        Some(inner) => cell.split(',').map(|text| element(inner, text)).collect(),
        None => vec![element(kind, cell)],
    })
}

fn unescaped(text: &str) -> Vec<u8> {
    if text == "(empty)" {
        return Vec::new();
    }
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((octet, more)) = rest.split_first() {
        if *octet == b'\\' {
            assert_eq!(more[0], b'x', "{text}");
            out.push(u8::from_str_radix(std::str::from_utf8(&more[1..3]).unwrap(), 16).unwrap());
            rest = &more[3..];
        } else {
            out.push(*octet);
            rest = more;
        }
    }
    out
}

fn only(cells: &Cells, name: &str) -> Option<String> {
    let elements = cells[name].as_ref()?;
    assert_eq!(elements.len(), 1, "{name}");
    Some(String::from_utf8(elements[0].clone()).unwrap())
}

#[test]
fn one_row_a_transaction_and_one_at_least() {
    let rows = read(&written(&samples::all()));
    let depths: Vec<_> = rows.iter().map(|row| only(row, "trans_depth")).collect();
    let depth = |number: &str| Some(number.to_owned());
    assert_eq!(depths, [depth("1"), depth("1"), depth("2"), None, None]);
    assert_eq!(only(&rows[0], "uid"), only(&rows[0], "uid"));
    assert_eq!(only(&rows[1], "uid"), only(&rows[2], "uid"));
    assert_ne!(only(&rows[0], "community_id"), only(&rows[3], "community_id"));
    assert!(rows.iter().all(|row| only(row, "uid").unwrap().len() == 18));
    assert_eq!(only(&rows[0], "conn_state").as_deref(), Some("SF"));
    assert_eq!(only(&rows[0], "service").as_deref(), Some("smtp"));
    assert_eq!(only(&rows[3], "service").as_deref(), Some("smtp,ssl"));
    assert_eq!(only(&rows[4], "service"), None);
    assert_eq!(only(&rows[1], "last_reply").as_deref(), Some("250 ok"));
    assert_eq!(
        rows[0]["rcptto"].as_ref().unwrap(),
        &[&b"bert@example.com"[..], b"\xff@example.com", b"cora@example.com"]
    );
}

#[test]
fn an_empty_log_is_a_log() {
    assert_eq!(read(&written(&[])).len(), 0);
}

#[test]
fn whatever_is_said_is_read_back() {
    for said in [
        "-",
        "(empty)",
        "",
        "a\tb",
        "a,b",
        "#fields\tx",
        "\\x09",
        "a\\b",
        "\r\n",
        "\u{1b}[31m",
        "sö\u{202e}ö",
    ] {
        let mut sample = samples::fin_after_rcpt();
        sample.0.dialog.helo = Some(Text::from(said));
        let transaction = &mut sample.0.dialog.transactions[0];
        transaction.mail_from = Text::from(said);
        transaction.recipients[0].address = Text::from(said);
        let rows = read(&written(&[sample]));
        assert_eq!(only(&rows[0], "helo").as_deref(), Some(said));
        assert_eq!(only(&rows[0], "mailfrom").as_deref(), Some(said));
        let recipients = rows[0]["rcptto"].as_ref().unwrap();
        assert_eq!(recipients.len(), 3, "{said}");
        assert_eq!(recipients[0], said.as_bytes());
    }
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_back(octets in proptest::collection::vec(0u8.., 1..24)) {
        let mut sample = samples::fin_after_rcpt();
        sample.0.dialog.transactions[0].recipients.truncate(1);
        sample.0.dialog.transactions[0].recipients[0].address = Text::new(&octets);
        let rows = read(&written(&[sample]));
        proptest::prop_assert_eq!(&rows[0]["rcptto"].as_ref().unwrap()[0], &octets);
    }
}

//! What of a session no oddity may change, but for what it says that it does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::generate::oddity::Oddity;

/// What is compared, by name.
pub(crate) type Essence = BTreeMap<&'static str, String>;

/// Verbs that an oddity adds or replaces.
fn verbs(oddity: Oddity) -> &'static [&'static str] {
    match oddity {
        Oddity::Chunks | Oddity::HugeChunk => &["DATA", "BDAT", "."],
        Oddity::DataRefused => &["DATA"],
        Oddity::NestedMail => &["MAIL"],
        Oddity::EightBit | Oddity::LongLine | Oddity::OddReplies => &["NOOP"],
        Oddity::Auth => &["AUTH", "(auth)"],
        Oddity::Xclient => &["XCLIENT", "EHLO", "LHLO"],
        Oddity::Xforward => &["XFORWARD"],
        Oddity::Lmtp => &["EHLO", "LHLO"],
        _ => &[],
    }
}

/// The essence of a session, without what these oddities change.
pub(crate) fn essence(session: Option<&Value>, oddities: &[Oddity]) -> Essence {
    let has = |oddity| oddities.contains(&oddity);
    let mut essence = Essence::new();
    let one_way = has(Oddity::ClientOnly) || has(Oddity::ServerOnly);
    let Some(session) = session else {
        if !one_way {
            essence.insert("shown", "no".to_owned());
        }
        return essence;
    };
    if one_way {
        return essence;
    }
    essence.insert("shown", "yes".to_owned());
    let ending = &session["ending"];
    let encrypted = session["starttls"] == true;
    // What the capture lost are records here. Of these replies and of sessions without a go-ahead other lengths are
    // learned; by them QUIT is told from DATA.
    let lengths_differ = [Oddity::CaptureLoss, Oddity::OddReplies, Oddity::Chunks, Oddity::HugeChunk];
    if encrypted && lengths_differ.into_iter().any(has) {
        return essence;
    }
    // Whoever has said AUTH has come further than EHLO.
    // Without the SYN, words before the greeting make it look like a reply to something that was not seen.
    let midway = has(Oddity::NoSyn) && (has(Oddity::Proxy) || has(Oddity::HttpConnect));
    let stage = match ending["stage"].as_str() {
        Some("auth") if has(Oddity::Auth) => json!("helo"),
        Some("connect") if midway => json!("greeting"),
        // A go-ahead is told by its length where it is a record of its own.
        Some("data" | "tls") if encrypted && has(Oddity::EnvelopeWithData) => json!("tls"),
        _ => ending["stage"].clone(),
    };
    let ending = json!([ending["kind"], ending["by"], stage, ending["why"]]);
    essence.insert("ending", ending.to_string());
    let other_close = [Oddity::HalfClosed, Oddity::RstStale, Oddity::RstChallenged];
    if !other_close.into_iter().any(has) {
        let close = &session["first_close"];
        essence.insert("first close", json!([close["kind"], close["by"]]).to_string());
    }
    let left_out: Vec<&str> = oddities.iter().flat_map(|oddity| verbs(*oddity)).copied().collect();
    let commands: Vec<&str> =
        session["commands"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    let commands: Vec<_> = commands.into_iter().filter(|verb| !left_out.contains(verb)).collect();
    essence.insert("commands", commands.join(" "));
    for key in ["helo", "quit", "starttls"] {
        essence.insert(key, session[key].to_string());
    }
    let all = session["transactions"].as_array().unwrap().iter();
    let transactions = all.filter(|tx| tx["mail_from"] != "nested@example.net");
    let transactions: Vec<_> = transactions.map(|tx| transaction(tx, oddities)).collect();
    essence.insert("transactions", Value::from(transactions).to_string());
    essence
}

fn transaction(transaction: &Value, oddities: &[Oddity]) -> Value {
    let has = |oddity| oddities.contains(&oddity);
    let mut keys = vec!["mail_from", "stage", "outcome", "code", "abandoned_by", "message_id", "subject"];
    let mut recipients = transaction["rcpt_to"].clone();
    if has(Oddity::OddReplies) {
        for recipient in recipients.as_array_mut().unwrap() {
            let granted = recipient["code"].as_u64().map(|code| code / 100);
            recipient["code"] = json!(granted);
        }
    } else {
        keys.push("mail_code");
    }
    if !has(Oddity::LfOnly) && !has(Oddity::CaptureLoss) {
        keys.extend(["body_octets", "body_missing"]);
    }
    let mut all: Vec<_> = keys.into_iter().map(|key| transaction[key].clone()).collect();
    all.push(recipients);
    Value::from(all)
}

/// What is true with and without these oddities.
pub(crate) fn truth_of(truth: &Value, oddities: &[Oddity]) -> Value {
    let unknowable = [Oddity::NoSyn, Oddity::ClientOnly, Oddity::ServerOnly, Oddity::HalfClosed];
    let judged = !oddities.iter().any(|oddity| unknowable.contains(oddity));
    let messages: Vec<_> = truth["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let expected = if judged { message["expected"].clone() } else { Value::Null };
            let keys = ["mail_from", "rcpt_to", "rejected", "message_id", "outcome", "reason", "kind"];
            let keys: Vec<_> = keys.iter().chain(&["body_whole"]).map(|key| message[key].clone()).collect();
            json!([keys, expected])
        })
        .collect();
    let ending = &truth["ending"];
    json!([truth["story"], ending["kind"], ending["by"], ending["why"], ending["stage"], messages])
}

//! The generator of benches/generate: its parts' own tests, and what holds of its output as a whole.

#[path = "../benches/generate/mod.rs"]
mod generate;
#[cfg(test)]
#[path = "generate/reader.rs"]
mod reader;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser;
    use serde_json::Value;

    use crate::generate::{Options, Sinks, Summary, generate};
    use crate::reader::{Frame, frames, stream, truth};

    type Made = (Summary, Sinks<Vec<u8>, Vec<u8>, Vec<u8>>);

    /// Everything that some arguments make.
    fn made(arguments: &str) -> Made {
        let options = Options::parse_from(std::iter::once("generate").chain(arguments.split_whitespace()));
        generate(&options, Sinks { capture: Vec::new(), log: Vec::new(), truth: Vec::new() }).unwrap()
    }

    /// Every story as often as every other.
    fn all_stories() -> String {
        let names = [
            "deliver",
            "deliver_many",
            "quit_before_data",
            "callback",
            "quit_race",
            "fin_connect",
            "fin_ehlo",
            "fin_mail",
            "fin_rcpt",
            "fin_body",
            "fin_after_dot",
            "fin_waiting",
            "rst_body",
            "rst_rcpt",
            "silence_connect",
            "silence_mail",
            "silence_rcpt",
            "silence_body",
            "reply_unheard",
            "timer_noop",
            "all_refused",
            "mail_refused",
            "refused_dot",
            "refused_size",
            "rset",
            "killed_fin",
            "killed_rst",
            "limit_between",
            "limit_body",
            "limit_connections",
            "false_quit",
            "false_completed",
            "false_by_sender",
        ];
        names.map(|name| format!("{name}=1")).join(",")
    }

    /// The frames of a session, by its span and its client.
    fn of<'a>(session: &Value, all: &'a [Frame]) -> impl Iterator<Item = &'a Frame> + use<'a> {
        let client = session["client"].as_str().unwrap().to_owned();
        let number = |key: &str| session[key].as_u64().unwrap_or(1) as usize;
        let span = number("first_frame") - 1..number("last_frame");
        all[span].iter().filter(move |frame| frame.client == client)
    }

    #[test]
    fn the_same_seed_gives_the_same_octets() {
        let (first, second) = (made("--sessions 60 --seed 7"), made("--sessions 60 --seed 7"));
        assert_eq!(first.0, second.0);
        assert!(first.1.capture == second.1.capture);
        assert!(first.1.log == second.1.log);
        assert!(first.1.truth == second.1.truth);
        assert!(first.1.capture != made("--sessions 60 --seed 8").1.capture);
    }

    #[test]
    fn every_frame_is_sound_and_belongs_to_one_session() {
        for arguments in [
            "--link ethernet --ipv6 0.5",
            "--link raw --ipv6 1 --nanoseconds",
            "--link cooked --tls 1 --tls12 0.5",
            "--late 0 --loss 0.1 --reorder 0.1 --duplicate 0.1 --overlap 1 --wrap 1",
        ] {
            let (summary, sinks) = made(&format!("--sessions 150 --mix {} {arguments}", all_stories()));
            let all = frames(&sinks.capture);
            assert_eq!(all.len() as u64, summary.frames, "{arguments}");
            assert_eq!(sinks.capture.len() as u64, summary.octets);
            assert!(all.is_sorted_by_key(|frame| frame.at), "{arguments}");
            let mut told = 0;
            for session in truth(&sinks.truth) {
                told += session["frames"].as_u64().unwrap();
                assert_eq!(of(&session, &all).count() as u64, session["frames"].as_u64().unwrap());
            }
            assert_eq!(told, summary.frames, "{arguments}");
        }
    }

    #[test]
    fn streams_are_whole_however_the_path_treats_them() {
        let faults = "--loss 0.08 --reorder 0.08 --duplicate 0.08 --overlap 0.7 --wrap 0.5";
        let (_, sinks) =
            made(&format!("--sessions 200 --body 40000 --mix {} {faults} --late 0", all_stories()));
        let all = frames(&sinks.capture);
        for session in truth(&sinks.truth) {
            let (said, gap) = stream(of(&session, &all).filter(|frame| frame.from_client));
            assert!(!gap, "{session}");
            assert!(!stream(of(&session, &all).filter(|frame| !frame.from_client)).1, "{session}");
            if session["starttls"] == Value::Bool(true) {
                continue;
            }
            let text = String::from_utf8(said).unwrap();
            for message in session["messages"].as_array().unwrap() {
                let from = format!("MAIL FROM:<{}>", message["mail_from"].as_str().unwrap());
                assert!(text.contains(&from), "{session}");
                for to in message["rcpt_to"].as_array().unwrap() {
                    assert!(text.contains(&format!("RCPT TO:<{}>\r\n", to.as_str().unwrap())), "{session}");
                }
                if let Some(id) = message["message_id"].as_str() {
                    assert!(text.contains(&format!("\r\nMessage-ID: {id}\r\n")), "{session}");
                }
            }
            let dots = text.matches("\r\n.\r\n").count();
            let whole = session["messages"].as_array().unwrap().iter();
            assert_eq!(dots, whole.filter(|message| message["body_whole"] == Value::Bool(true)).count());
        }
    }

    #[test]
    fn encrypted_streams_are_whole_records_unless_they_are_cut() {
        let (_, sinks) =
            made(&format!("--sessions 150 --tls 1 --tls12 0.5 --late 0 --mix {}", all_stories()));
        let all = frames(&sinks.capture);
        let mut cut = 0;
        for session in truth(&sinks.truth).iter().filter(|session| session["starttls"] == Value::Bool(true)) {
            for from_client in [true, false] {
                let (said, _) = stream(of(session, &all).filter(|frame| frame.from_client == from_client));
                let start: &[u8] = if from_client { b"STARTTLS\r\n" } else { b"220 Go ahead with TLS\r\n" };
                let from = said.windows(start.len()).position(|window| window == start).unwrap();
                let mut rest = &said[from + start.len()..];
                while rest.len() >= 5 {
                    assert!((20..=23).contains(&rest[0]) && rest[1] == 3, "{session}");
                    let length = 5 + usize::from(u16::from_be_bytes([rest[3], rest[4]]));
                    rest = rest.get(length..).unwrap_or_default();
                    cut += usize::from(rest.len() < 5 && !rest.is_empty());
                }
            }
        }
        assert_eq!(cut, 0, "a header is cut: the bodies are, not what is between");
    }

    #[test]
    fn the_truth_names_the_frames_that_show_it() {
        let (_, sinks) = made(&format!("--sessions 400 --tls 0 --late 0 --mix {}", all_stories()));
        let all = frames(&sinks.capture);
        let at = |number: &Value| number.as_u64().map(|number| &all[number as usize - 1]);
        let mut kinds = BTreeMap::new();
        for session in truth(&sinks.truth) {
            let ending = &session["ending"];
            let kind = ending["kind"].as_str().unwrap();
            *kinds.entry(kind.to_owned()).or_insert(0) += 1;
            let frame = at(&ending["frame"]);
            let holds = match kind {
                "quit" => {
                    frame.is_some_and(|frame| frame.from_client && frame.payload.ends_with(b"QUIT\r\n"))
                }
                "fin" => frame.is_some_and(|frame| frame.from_client && frame.fin),
                "rst" => frame.is_some_and(|frame| frame.from_client && frame.rst),
                "silence" | "appliance_stalled" => {
                    // A sender that never spoke has no last words.
                    frame.is_none_or(|frame| frame.from_client && !frame.payload.is_empty())
                        && at(&ending["close_frame"]).is_some_and(|frame| frame.payload.starts_with(b"421 "))
                }
                "appliance_closed" => frame.is_some_and(|frame| !frame.from_client),
                _ => false,
            };
            assert!(holds, "{session}: {frame:?}");
            for message in session["messages"].as_array().unwrap() {
                let mail = at(&message["mail_frame"]).unwrap();
                let from = format!("MAIL FROM:<{}>", message["mail_from"].as_str().unwrap());
                assert!(mail.payload.starts_with(from.as_bytes()), "{session}");
                if message["kind"] == "completed" {
                    let reply = format!("250 ok:  Message {} accepted\r\n", message["mid"]);
                    assert!(at(&message["reply_frame"]).unwrap().payload.starts_with(reply.as_bytes()));
                }
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }

    #[test]
    fn the_log_says_what_the_truth_says_that_it_does() {
        let (summary, sinks) = made(&format!("--sessions 300 --utc-offset -21600 --mix {}", all_stories()));
        let log = String::from_utf8(sinks.log).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!((lines.len() as u64, log.len() as u64), (summary.log_lines, summary.log_octets));
        assert_eq!(lines[2], "Wed Mar 11 01:59:56 2026 Info: Time offset from UTC: -21600 seconds");
        // One day, so the text of the stamps sorts as their time does.
        assert!(lines.is_sorted_by_key(|line| &line[11..19]));
        for counter in ["New SMTP ICID ", "Start MID "] {
            let numbers =
                lines.iter().filter(|line| !format!("{line} ").contains("ICID 0 ")).filter_map(|line| {
                    let (_, rest) = line.split_once(counter)?;
                    rest.split(' ').next()?.parse::<u64>().ok()
                });
            assert!(numbers.is_sorted_by(|before, next| before + 1 == *next), "{counter}");
        }
        let says = |text: String| log.contains(&text);
        for session in truth(&sinks.truth) {
            let icid = session["icid"].as_u64().unwrap();
            assert!(says(format!("New SMTP ICID {icid} interface Data 1 (")));
            assert!(says(format!(" ICID {icid} close\n")), "{session}");
            if let Some(words) = session["claim"]["words"].as_str() {
                assert!(
                    lines.iter().any(|line| line.contains(&format!("ICID {icid} ")) && line.ends_with(words))
                );
            }
            for message in session["messages"].as_array().unwrap() {
                let mid = &message["mid"];
                match message["outcome"].as_str().unwrap() {
                    "accepted" => assert!(says(format!(" MID {mid} ready "))),
                    "refused" => assert!(mid.is_null()),
                    _ => {
                        let reason = message["reason"].as_str().unwrap();
                        assert!(says(format!(" Message aborted MID {mid} {reason}\n")));
                        assert!(says(format!(" Message finished MID {mid} aborted\n")));
                        assert!(!says(format!(" MID {mid} ready ")));
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_capture_misses_is_counted() {
        let arguments = "--sessions 40 --body 60000 --mix deliver=1 --tls 0 --late 0 --loss 0 --seed 3";
        let (whole, holed) = (made(arguments), made(&format!("{arguments} --holes 0.05")));
        assert_eq!(
            truth(&whole.1.truth).iter().map(|session| session["holes"][0].as_u64().unwrap()).sum::<u64>(),
            0
        );
        let all = frames(&holed.1.capture);
        let mut missed = 0;
        for session in truth(&holed.1.truth) {
            let holes = session["holes"][0].as_u64().unwrap();
            let (_, gap) = stream(of(&session, &all).filter(|frame| frame.from_client));
            // A segment that also came twice may be there after all.
            assert!(holes > 0 || !gap, "{session}");
            missed += holes;
        }
        assert!(missed > 50, "{missed}");
    }

    #[test]
    fn sessions_are_open_at_both_ends_of_the_capture() {
        let (_, sinks) = made("--sessions 60 --rate 3 --early 5 --late 6 --seed 4");
        let all = truth(&sinks.truth);
        assert!(all.iter().any(|session| session["begun_before"] == Value::Bool(true)));
        let cut: Vec<_> = all.iter().filter(|session| session["ending"]["kind"] == "capture_ended").collect();
        assert!(!cut.is_empty());
        for session in cut {
            assert!(session["ending"]["frame"].is_null());
            let claims = session["messages"].as_array().unwrap().iter();
            for message in claims.filter(|message| message["kind"] == "capture_ended") {
                assert_eq!(message["expected"], "undetermined");
            }
        }
    }

    #[test]
    fn other_formats_hold_the_same_frames() {
        let arguments = "--sessions 30 --seed 9";
        let plain = made(arguments);
        for other in ["--format pcapng", "--format pcapng --nanoseconds", "--nanoseconds", "--snaplen 96"] {
            let (summary, sinks) = made(&format!("{arguments} {other}"));
            assert_eq!(summary.frames, plain.0.frames);
            assert!(sinks.log == plain.1.log && sinks.truth == plain.1.truth, "{other}");
        }
        let (summary, sinks) = made(&format!("{arguments} --log-only"));
        assert_eq!(summary.frames, 0);
        assert!(sinks.log == plain.1.log);
    }
}

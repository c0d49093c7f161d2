//! How many connections the join finds, and that none of them is the wrong one, held against the truth
//! of the generator (`benches/generate`), which shares no code with mailwitness.
//!
//! The table of the README: `cargo test --release --test precision -- --nocapture table`.
//! `MAILWITNESS_PRECISION` is the number of connections at each density, `MAILWITNESS_SEED` makes other ones,
//! `MAILWITNESS_ROW` picks rows by their names.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a failed test is a panic by design; its parts are one program"
)]

#[path = "../benches/generate/mod.rs"]
#[allow(dead_code, reason = "shared with the program of the same name")]
mod generate;
#[path = "precision/made.rs"]
mod made;

use made::{Made, Tally};

/// Connections at each density where nobody asks for more.
const CONNECTIONS: u64 = 2_000;
/// Connections a second of one sender.
const DENSITIES: [u32; 5] = [1, 10, 100, 1_000, 5_000];

/// A row: what is varied, its arguments, and the least recall at each density.
const ROWS: [(&str, &str, [f64; 5]); 5] = [
    ("in clear, each its own envelope", "--equal-envelopes 0 --tls 0", [99.0, 98.0, 94.0, 94.0, 94.0]),
    ("the same, one in ten TLS", "--equal-envelopes 0 --tls 0.1", [97.0, 88.0, 84.0, 84.0, 84.0]),
    ("in clear, all envelopes equal", "--equal-envelopes 1 --tls 0", [90.0, 75.0, 66.0, 66.0, 66.0]),
    ("the same, every second TLS", "--equal-envelopes 1 --tls 0.5", [62.0, 40.0, 28.0, 28.0, 28.0]),
    ("all TLS", "--equal-envelopes 0 --tls 1", [0.0, 0.0, 0.0, 0.0, 0.0]),
];

fn connections() -> u64 {
    std::env::var("MAILWITNESS_PRECISION").map_or(CONNECTIONS, |number| number.parse().unwrap())
}

fn seed() -> u32 {
    std::env::var("MAILWITNESS_SEED").map_or(31, |seed| seed.parse().unwrap())
}

/// Fewer than that in the tests beside the table.
fn few() -> u64 {
    connections().min(600)
}

fn one_sender(rate: u32, number: u64, more: &str) -> Made {
    Made::new(&format!(
        "--senders 1 --ports 60000 --body 1500 --rate {rate} --sessions {number} --seed {} {more}",
        seed() + rate
    ))
}

fn assert_none_wrong(name: &str, tally: &Tally) {
    let shown: Vec<_> = tally.wrong.iter().take(3).collect();
    assert!(tally.wrong.is_empty(), "{name}: {} wrong: {shown:#?}", tally.wrong.len());
}

#[test]
fn table_of_precision_and_recall() {
    let mut table = format!(
        "| connections a second of one sender | {} | wrong |\n|---|{}",
        DENSITIES.map(|rate| rate.to_string()).join(" | "),
        "--:|".repeat(DENSITIES.len() + 1)
    );
    let mut failures = Vec::new();
    let only = std::env::var("MAILWITNESS_ROW").ok();
    for (name, arguments, floors) in ROWS {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let (mut cells, mut wrong) = (Vec::new(), 0);
        for (rate, floor) in DENSITIES.into_iter().zip(floors) {
            let tally = one_sender(rate, connections(), arguments).tally();
            println!(
                "{name}, {rate} a second: of {} found {}, ambiguous {}, not found {}, wrong {}; {:.2} s",
                tally.connections,
                tally.found,
                tally.ambiguous,
                tally.not_found,
                tally.wrong.len(),
                tally.seconds
            );
            wrong += tally.wrong.len();
            cells.push(format!("{:.1} %", tally.recall()));
            if !tally.wrong.is_empty() || tally.recall() < floor {
                failures.push(format!(
                    "{name} at {rate}: {:.1} %, {:?}",
                    tally.recall(),
                    tally.wrong.first()
                ));
            }
        }
        table.push_str(&format!("\n| {name} | {} | {wrong} |", cells.join(" | ")));
    }
    println!("{table}");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// What a partial capture or log may hold: of each density, none wrong.
fn none_wrong_in_part(name: &str, least: f64, cut: impl Fn(&mut Made)) {
    for (arguments, least) in [
        ("--equal-envelopes 0 --tls 0.1", least),
        ("--equal-envelopes 1 --tls 0", 0.0),
        ("--equal-envelopes 1 --tls 1", 0.0),
    ] {
        for rate in [1, 30, 1_000] {
            let mut made = one_sender(rate, few(), arguments);
            cut(&mut made);
            let tally = made.tally();
            let named = format!("{name}, {arguments}, {rate} a second");
            println!("{named}: {:.1} % of {}", tally.recall(), tally.connections);
            assert_none_wrong(&named, &tally);
            assert!(tally.recall() >= least, "{named}: {tally:?}");
        }
    }
}

/// The number of the connection or message that a line is about, for choosing some of them.
fn icid(line: &str) -> Option<u64> {
    let rest = line.split_once("ICID ")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn a_capture_of_one_interface_of_two() {
    none_wrong_in_part("every second port", 70.0, |made| {
        made.keep_sessions(|session| session.client().port % 2 == 0);
    });
}

#[test]
fn a_capture_and_a_log_that_each_hold_another_part() {
    none_wrong_in_part("both in part", 60.0, |made| {
        made.keep_sessions(|session| session.client().port % 2 == 0);
        made.keep_lines(|_, line| icid(line).is_none_or(|icid| icid % 3 != 0));
    });
}

#[test]
fn a_log_that_begins_late_and_ends_early() {
    none_wrong_in_part("the middle third of the log", 50.0, |made| {
        let lines = made.log.lines().count();
        made.keep_lines(|at, _| (lines / 3..lines * 2 / 3).contains(&at));
    });
}

/// An appliance under load notices late, or writes late. What it stamps late must match nobody with a neighbour.
fn none_wrong_where_lines_are_late(name: &str, late: impl Fn(&str, u32) -> u32) {
    for arguments in [
        "--equal-envelopes 0 --tls 1",
        "--equal-envelopes 1 --tls 1",
        "--equal-envelopes 1 --tls 0.5",
        "--equal-envelopes 1 --tls 0",
    ] {
        for rate in [1, 3, 10, 100] {
            let mut made = one_sender(rate, few().max(1_000), arguments);
            made.write_late(&late);
            let tally = made.tally();
            let named = format!("{name}, {arguments}, {rate} a second");
            println!("{named}: {:.1} % of {}", tally.recall(), tally.connections);
            assert_none_wrong(&named, &tally);
        }
    }
}

#[test]
fn an_appliance_that_stands_still_now_and_then() {
    // Lines that are due while it stands are stamped when it goes on.
    for (every, stands) in [(97, 14), (41, 5), (600, 30)] {
        let name = format!("{stands} s of every {every}");
        none_wrong_where_lines_are_late(&name, |_, second| match second % every {
            within if within < stands => stands - within,
            _ => 0,
        });
    }
}

#[test]
fn an_appliance_that_writes_some_ends_late() {
    for one_in in [3, 10, 40, 200] {
        none_wrong_where_lines_are_late(&format!("one end in {one_in}"), |line, _| late_end(line, one_in));
    }
}

/// Seconds by which the line of an end is late: of one connection in `one_in`, 3 to 14.
fn late_end(line: &str, one_in: u64) -> u32 {
    let end = line.ends_with(" close") || line.ends_with(" lost");
    let icid = icid(line).filter(|_| end).unwrap_or(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    if end && icid.is_multiple_of(one_in) { 3 + (icid / one_in % 12) as u32 } else { 0 }
}

/// An appliance hears many senders, each now and then, and nearly all of them encrypt: times tell them apart.
#[test]
fn many_senders_under_tls() {
    for (arguments, least) in [("--senders 1000 --rate 5", 96.0), ("--senders 200 --rate 10", 79.0)] {
        let made = |arguments: &str| {
            let number = connections();
            Made::new(&format!(
                "{arguments} --tls 1 --body 1500 --ports 60000 --sessions {number} --seed {}",
                seed()
            ))
        };
        let tally = made(arguments).tally();
        println!("all TLS, {arguments}: {:.1} % of {}", tally.recall(), tally.connections);
        assert_none_wrong(arguments, &tally);
        assert!(tally.recall() >= least, "{arguments}: {:.1} %", tally.recall());
        for one_in in [5, 40] {
            let mut late = made(arguments);
            late.write_late(|line, _| late_end(line, one_in));
            let tally = late.tally();
            println!("the same, one end in {one_in} late: {:.1} %", tally.recall());
            assert_none_wrong(arguments, &tally);
        }
    }
}

#[test]
fn what_grep_finds_of_messages() {
    none_wrong_in_part("lines that name a MID", 50.0, |made| {
        made.keep_lines(|_, line| line.contains("MID "))
    });
}

#[test]
fn a_capture_on_another_machine_minutes_off() {
    for arguments in
        ["--equal-envelopes 0 --tls 0.2", "--equal-envelopes 1 --tls 1", "--equal-envelopes 0 --tls 1"]
    {
        for rate in [1, 30, 1_000] {
            for skew in ["3", "-7", "150"] {
                let made = one_sender(rate, few(), &format!("{arguments} --skew {skew}"));
                let tally = made.tally();
                let named = format!("{arguments}, {skew} s off, {rate} a second");
                println!("{named}: {:.1} %", tally.recall());
                assert_none_wrong(&named, &tally);
            }
        }
    }
}

#[test]
fn retries_of_one_envelope_and_a_pool_of_senders_that_share_it() {
    for rate in [1, 30, 1_000] {
        // One sender's messages all to one recipient, in equal sizes, from a few addresses of its own.
        let mut made = one_sender(rate, few(), "--equal-envelopes 0 --tls 0.1 --spread 0");
        made.rewrite_envelopes(r"u(\d+)\.\d+@", |found| {
            format!("u{}@", found[1].parse::<u64>().unwrap() % 20)
        });
        made.rewrite_envelopes(r"r\d+\.(\d)@[a-z.]+", |found| format!("r{}@example.com", &found[1]));
        let tally = made.tally();
        println!("retries, {rate} a second: {:.1} %", tally.recall());
        assert_none_wrong("retries", &tally);
        // Forty senders, one envelope.
        let mut made = Made::new(&format!(
            "--senders 40 --ports 60000 --body 1500 --equal-envelopes 1 --tls 0.2 --rate {rate} --sessions {}",
            few()
        ));
        made.rewrite_envelopes(r"news@[a-z0-9.]+", |_| "news@example.net".to_owned());
        let tally = made.tally();
        println!("a pool with one envelope, {rate} a second: {:.1} %", tally.recall());
        assert_none_wrong("a pool", &tally);
    }
}

#[test]
fn many_hosts_behind_one_address() {
    for (arguments, least) in
        [("--equal-envelopes 0 --tls 0.1", 60.0), ("--equal-envelopes 1 --tls 0.5", 0.0)]
    {
        for rate in [1, 30, 1_000] {
            let mut made = Made::new(&format!(
                "--senders 40 --body 1500 --ipv6 0 {arguments} --rate {rate} --sessions {}",
                few()
            ));
            made.behind_one_address();
            let tally = made.tally();
            let named = format!("forty hosts behind one address, {arguments}, {rate} a second");
            println!("{named}: {:.1} %", tally.recall());
            assert_none_wrong(&named, &tally);
            assert!(tally.recall() >= least, "{named}");
        }
    }
}

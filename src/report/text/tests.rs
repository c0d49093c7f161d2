//! What the text report looks like, and what it must never do.

use unicode_width::UnicodeWidthStr as _;

use super::{Style, render};
use crate::report::samples::{
    ambiguous, confirmed, contradicted, crowded, document, everything, hostile, not_found, unlogged,
    with_debug_log,
};
use crate::text::acts_on_terminal;

#[test]
fn one_confirmed_case() {
    insta::assert_snapshot!(render(&document(vec![confirmed()]), Style::PLAIN));
}

#[test]
fn verdicts_of_every_kind() {
    insta::assert_snapshot!(render(&document(vec![contradicted(), ambiguous(), not_found()]), Style::PLAIN));
}

#[test]
fn a_crowded_case_is_cut() {
    insta::assert_snapshot!(render(&document(vec![crowded()]), Style::PLAIN));
}

#[test]
fn a_debug_log_stands_beside_the_wire() {
    insta::assert_snapshot!(render(&document(vec![with_debug_log()]), Style::PLAIN));
}

#[test]
fn nothing_to_judge() {
    let mut document = document(vec![]);
    document.unlogged = vec![unlogged()];
    insta::assert_snapshot!(render(&document, Style::PLAIN));
}

#[test]
fn no_line_is_wider_than_the_page() {
    for width in [60, 72, 80] {
        for line in render(&everything(), Style { colour: false, width }).lines() {
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            assert_eq!(line.trim_end(), line, "blanks at the end");
        }
    }
}

#[test]
fn nothing_from_the_input_acts_on_the_terminal() {
    let shown = render(&document(vec![hostile()]), Style::PLAIN);
    let acting: Vec<char> = shown.chars().filter(|c| *c != '\n' && acts_on_terminal(*c)).collect();
    assert!(acting.is_empty(), "{acting:?}");
    assert!(shown.contains("\\x1b]0;owned\\x07"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let document = everything();
    let coloured = render(&document, Style::COLOURED);
    assert!(coloured.contains("\u{1b}[1m"));
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(stripped, render(&document, Style::PLAIN));
}

#[test]
fn long_lists_say_how_much_more_there_is() {
    let shown = render(&document(vec![crowded()]), Style::PLAIN);
    assert!(shown.contains("and 995 more"), "{shown}");
    assert!(shown.lines().count() < 120);
}

#[test]
fn size_stays_in_proportion_to_the_cases() {
    let one = render(&document(vec![hostile()]), Style::PLAIN).len();
    assert!(one < 64 * 1024, "{one} octets for one case");
}

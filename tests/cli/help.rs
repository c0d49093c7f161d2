//! What the program says of itself.

use super::{code, mailwitness, text};

#[test]
fn of_every_command() {
    let commands: [&[&str]; 5] =
        [&["--help"], &["-h"], &["report", "--help"], &["sessions", "--help"], &["messages", "--help"]];
    for arguments in commands {
        let output = mailwitness(arguments);
        assert_eq!(code(&output), 0);
        insta::assert_snapshot!(arguments.join(" "), text(&output.stdout));
    }
}

#[test]
fn without_arguments_is_wrong_usage() {
    let output = mailwitness(&[]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("Usage: mailwitness <COMMAND>"));
    assert!(output.stdout.is_empty());
}

#[test]
fn completions_know_our_options() {
    for (shell, sign) in
        [("bash", "_mailwitness()"), ("zsh", "#compdef mailwitness"), ("fish", "complete -c mailwitness")]
    {
        let output = mailwitness(&["completions", shell]);
        assert_eq!(code(&output), 0);
        let script = text(&output.stdout);
        assert!(script.contains(sign), "{shell}");
        assert!(script.contains("utc-offset"), "{shell}");
    }
}

/// Every page that another one refers to is there.
#[test]
fn manual_pages_are_pages() {
    let page = |arguments: &[&str]| {
        let output = mailwitness(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}");
        let page = text(&output.stdout);
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH \"EXIT STATUS\""] {
            assert!(page.contains(part), "{arguments:?} has no {part}");
        }
        page
    };
    let main = page(&["man"]);
    assert!(main.contains(".TH mailwitness 1"), "{main}");
    for command in ["report", "sessions", "messages", "schema", "completions", "man"] {
        assert!(main.contains(&format!("mailwitness\\-{command}(1)")), "{command} is not referred to");
        assert!(page(&["man", command]).contains(&format!(".TH mailwitness-{command} 1")), "{command}");
    }
}

//! Breaking lines by what they take up on a terminal, not by octets or characters.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Ends a text that was cut.
const CUT_MARK: &str = "[...]";

/// A text that was cut may hold this many characters for each column it may take up, so that
/// characters without width cannot make it endless.
const CHARACTERS_PER_COLUMN: usize = 4;

/// Makes the character before it an emoji, which is one column wider.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Columns that `text` takes up.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in lines of at most `columns`; the first line may use `first` columns. Words longer than a
/// line are broken. At least one line.
pub(crate) fn wrap(text: &str, first: usize, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    let mut room = first.max(1);
    for word in text.split_whitespace() {
        let wanted = word.width();
        if used > 0 && used + 1 + wanted <= room {
            line.push(' ');
            line.push_str(word);
            used += 1 + wanted;
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            (used, room) = (0, columns.max(1));
        }
        for character in word.chars() {
            let wide = character_width(character);
            if used + wide > room && used > 0 {
                lines.push(std::mem::take(&mut line));
                (used, room) = (0, columns.max(1));
            }
            line.push(character);
            used += wide;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `text` if it takes up at most `columns`, else its beginning and a mark that more follows.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns && text.len() <= columns.saturating_mul(CHARACTERS_PER_COLUMN) {
        return text.to_owned();
    }
    let room = columns.saturating_sub(CUT_MARK.len());
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars().take(columns.saturating_mul(CHARACTERS_PER_COLUMN)) {
        used += character_width(character);
        if used > room {
            break;
        }
        out.push(character);
    }
    out.push_str(CUT_MARK);
    out
}

/// An upper bound: a whole string may be narrower than its characters one by one, never wider.
fn character_width(character: char) -> usize {
    if character == EMOJI_SELECTOR { 1 } else { character.width().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(wrap("", 7, 5), [""]);
        assert_eq!(wrap("  spaced   out ", 80, 80), ["spaced out"]);
    }

    #[test]
    fn a_long_word_is_broken_by_width() {
        assert_eq!(wrap("abcdefgh", 3, 4), ["abc", "defg", "h"]);
        assert_eq!(wrap("漢字漢字", 4, 4), ["漢字", "漢字"]);
        assert_eq!(wrap("x abcdef", 3, 3), ["x", "abc", "def"]);
    }

    #[test]
    fn no_width_of_zero_hangs() {
        assert_eq!(wrap("漢字", 0, 0), ["漢", "字"]);
    }

    #[test]
    fn a_cut_shows() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("abcdefghij", 8), "abc[...]");
        assert_eq!(width(&cut(&"漢".repeat(100), 20)), 19);
    }

    #[test]
    fn characters_without_width_do_not_make_it_endless() {
        let hostile = format!("a{}", "\u{301}".repeat(10_000));
        assert!(cut(&hostile, 20).chars().count() <= 20 * CHARACTERS_PER_COLUMN + CUT_MARK.len());
    }

    proptest::proptest! {
        /// Nothing is lost but blanks, and no line is wider than it may be (where a single character
        /// is, it stands alone).
        #[test]
        fn wrapping_keeps_all_and_fits(text in "\\PC*", first in 0usize..50, columns in 0usize..50) {
            let lines = wrap(&text, first, columns);
            for (place, line) in lines.iter().enumerate() {
                let room = if place == 0 { first } else { columns };
                proptest::prop_assert!(width(line) <= room.max(1) || line.chars().filter(|c| character_width(*c) > 0).count() <= 1);
            }
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            proptest::prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn a_cut_fits(text in "\\PC*", columns in 5usize..50) {
            proptest::prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}

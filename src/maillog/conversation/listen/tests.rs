//! Commands, replies, bodies and credentials, octet by octet.

use super::*;

/// Hears what both ends say by turns, the client first; gives what is left of the client's octets.
fn hear(listener: &mut Listener, said: &[(End, &str)]) -> (String, Vec<String>) {
    let (mut left, mut words) = (String::new(), Vec::new());
    for (end, text) in said {
        // Octet by octet and in one piece must be the same; here every other piece is cut.
        let mut octets = text.as_bytes().to_vec();
        let half = octets.len() / 2;
        for piece in [0..half, half..octets.len()] {
            let heard = listener.hear(*end, &mut octets[piece]);
            words.extend(heard.words.iter().map(ToString::to_string));
        }
        if *end == End::Client {
            left.push_str(std::str::from_utf8(&octets).unwrap());
        }
    }
    (left, words)
}

#[test]
fn credentials_are_hidden_however_they_are_sent() {
    use End::{Client, Server};
    for (said, left) in [
        (
            vec![(Client, "auth  PLAIN AGFubmEAc2VjcmV0\r\n"), (Server, "235 ok\r\n"), (Client, "MAIL\r\n")],
            "auth  PLAIN ****************\r\nMAIL\r\n",
        ),
        (
            vec![
                (Client, "AUTH LOGIN\r\n"),
                (Server, "334 VXNlcm5hbWU6\r\n"),
                (Client, "YW5uYQ==\r\n"),
                (Server, "334 UGFzc3dvcmQ6\r\n"),
                (Client, "QUIT\r\n"),
                (Server, "535-no\r\n535 no\r\n"),
                (Client, "QUIT\r\n"),
            ],
            "AUTH LOGIN\r\n********\r\n****\r\nQUIT\r\n",
        ),
        (vec![(Client, " AUTH\tPLAIN x\r\nc2VjcmV0\r\n")], " AUTH\tPLAIN *\r\n********\r\n"),
        (vec![(Client, "AUTHOR x y\r\n"), (Client, "MAIL AUTH=<>\r\n")], "AUTHOR x y\r\nMAIL AUTH=<>\r\n"),
        (
            vec![
                (Client, "DATA\r\n"),
                (Server, "354 go\r\n"),
                (Client, "AUTH me please\r\n.\r\nAUTH X y\r\n"),
            ],
            "DATA\r\nAUTH me please\r\n.\r\nAUTH X *\r\n",
        ),
    ] {
        assert_eq!(hear(&mut Listener::default(), &said).0, left);
    }
}

#[test]
fn words_bodies_and_darkness_are_told() {
    use End::{Client, Server};
    let mut listener = Listener::default();
    let (_, words) = hear(
        &mut listener,
        &[
            (Server, "220-hello\r\n220 there\r\n"),
            (Client, "EHLO a\r\n"),
            (Client, "DATA\r\n"),
            (Server, "354 go\r\n"),
            (Client, "Message-id: <1@x>\r\n\r\n..\r\nQUIT\r\n.\r\n"),
            (Server, "250 ok\r\n"),
            (Client, "STARTTLS\r\n"),
            (Server, "220 go\r\n"),
            (Client, "QUIT\r\n"),
        ],
    );
    let expected =
        ["220-hello", "220 there", "EHLO a", "DATA", "354 go", "250 ok", "STARTTLS", "220 go", "QUIT"];
    assert_eq!(words, expected);
    let body = 14..14 + 19 + 2 + 4 + 6;
    assert_eq!(listener.bodies, [BodyPart { octets: body, goes_on: false }]);
    assert_eq!(listener.dark_from, Some([8 + 6 + 34 + 10, 11 + 11 + 8 + 8 + 8]));
}

/// RFC 3030 section 2: octets are counted, whatever they look like, and an answer may come while the next
/// chunk does.
#[test]
fn chunks_are_told_by_their_lengths() {
    use End::{Client, Server};
    let mut listener = Listener::default();
    let (_, words) = hear(
        &mut listener,
        &[
            (Client, "BDAT 10\r\nA: bc\r\n.\r\nbdat 8\r\nQUI"),
            (Server, "250 ok\r\n"),
            (Client, "T\r\n.\nBDAT 0 LAST\r\nBDAT 3 LAST\r\nabcQUIT\r\n"),
            (Server, "250 ok\r\n"),
        ],
    );
    assert_eq!(words, ["BDAT 10", "bdat 8", "250 ok", "BDAT 0 LAST", "BDAT 3 LAST", "QUIT", "250 ok"]);
    let parts: Vec<_> = listener.bodies().map(|part| (part.octets, part.goes_on)).collect();
    assert_eq!(parts, [(9..19, false), (27..35, true), (61..64, false)]);
}

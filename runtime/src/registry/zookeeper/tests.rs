//! The protocol, byte by byte. Whether servers agree is tested with a real one, in `runtime/tests/zookeeper.rs`.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::failed::{Code, Failed};
use super::wire::{Incoming, Request, Stat, Ticket, all_done, names, node};

const SESSION: i64 = 0x1000_1234_5678_0001;

/// What the bytes of a text of hexadecimal digits are; `.` and spaces are for people.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn requests_are_what_servers_read() {
    let create = Request::Create { path: "/a", value: "v", is_ephemeral: true, is_private: false };
    let world = "00000001 0000001f 00000005.776f726c64 00000006.616e796f6e65";
    let body = format!("00000002.2f61 00000001.76 {world} 00000001");
    assert_eq!(create.frame(7)[..], hex(&format!("00000032 00000007 00000001 {body}")));

    let get = Request::Get { path: "/a", watch: true };
    assert_eq!(get.frame(1)[..], hex("0000000f 00000001 00000004 00000002.2f61 01"));
    assert_eq!(Request::Ping.frame(-2)[..], hex("00000008 fffffffe 0000000b"));
    assert_eq!(Request::Close.frame(9)[..], hex("00000008 00000009 fffffff5"));

    let replace =
        Request::Replace { path: "/a", version: 3, value: "", is_ephemeral: false, is_private: true };
    let auth = "00000001 0000001f 00000004.61757468 00000000";
    let steps = [
        "00000002 00 ffffffff 00000002.2f61 00000003".to_owned(),
        format!("00000001 00 ffffffff 00000002.2f61 00000000 {auth} 00000000"),
        "ffffffff 01 ffffffff".to_owned(),
    ];
    let body = hex(&steps.concat());
    assert_eq!(replace.frame(2)[12..], body);

    let ticket = Ticket { session: SESSION, password: Bytes::from_static(b"pw") };
    let expected = hex("0000001f 00000000 0000000000000000 000007d0 1000123456780001 00000002.7077 00");
    assert_eq!(ticket.frame(2000)[..], expected);
}

#[test]
fn sessions_are_granted_or_have_ended() {
    let said = |timeout: &str, session: &str| hex(&format!("00000000 {timeout} {session} 00000002.7077 00"));
    let (ticket, time) = Ticket::granted(&said("000007d0", "1000123456780001")).unwrap();
    assert_eq!((ticket.session, &ticket.password[..], time), (SESSION, &b"pw"[..], 2000));
    let ended = Err(Failed::Code(Code::Expired));
    assert_eq!(Ticket::granted(&said("00000000", "0000000000000000")).map(drop), ended);
    // A server of 3.4 without the last byte.
    assert!(Ticket::granted(&hex("00000000 000007d0 1000123456780001 00000000")).is_ok());
}

#[test]
fn what_servers_say_is_read() {
    let said = |text: &str| {
        let mut buffer = BytesMut::from(&hex(text)[..]);
        Incoming::of(Incoming::take(&mut buffer).unwrap().unwrap()).unwrap()
    };
    let path = "0000000a.2f706c61696e2f612f62";
    let event = format!("00000026 ffffffff ffffffffffffffff 00000000 00000003 00000003 {path}");
    assert_eq!(said(&event), Incoming::Touched("/plain/a/b".to_owned()));
    assert_eq!(said("00000010 00000005 0000000000000009 ffffff9b"), Incoming::Reply(5, Err(Code::NoNode)));

    let times = "0000018f00000000 0000018f00000000";
    let numbers = format!("00000002 00000000 00000000 1000123456780001 00000001 00000000 {:016x}", 7);
    let body = hex(&format!("00000001.76 {:016x} {:016x} {times} {numbers}", 7, 8));
    let stat = Stat { modified: 8, version: 2, owner: SESSION };
    assert_eq!(node(&body), Ok(("v".to_owned(), stat)));
    // What is not there has no length.
    let body = [&hex("ffffffff")[..], &body[5..]].concat();
    assert_eq!(node(&body).map(|(value, _)| value), Ok(String::new()));
    assert_eq!(names(&hex("00000002 00000001.61 00000002.6262")), Ok(vec!["a".to_owned(), "bb".to_owned()]));
    assert!(names(&hex("7fffffff 00000001.61")).is_err());
}

#[test]
fn several_are_done_or_none() {
    let end = "ffffffff 01 ffffffff";
    let done = |steps: &str| all_done(&hex(&format!("{steps}{end}")));
    assert_eq!(done("00000002 00 00000000 00000001 00 00000000 00000002.2f61"), Ok(()));
    let step = |code: &str| format!("ffffffff 00 {code} {code}");
    let failed = |code| Err(Failed::Code(code));
    assert_eq!(done(&[step("ffffff99"), step("fffffffe")].concat()), failed(Code::BadVersion));
    assert_eq!(done(&[step("00000000"), step("ffffff92")].concat()), failed(Code::NodeExists));
    assert_eq!(done(&[step("fffffffe"), step("fffffffe")].concat()), failed(Code::Other(-2)));
}

proptest! {
    #[test]
    fn frames_are_whole_however_they_come(path in "/[a-zß/]{0,40}", value in ".{0,40}", cut in 1..9_usize) {
        let request = Request::Set { path: &path, value: &value, version: 4 };
        let frames = [request.frame(1), request.frame(2)].concat();
        let (mut buffer, mut taken) = (BytesMut::new(), Vec::new());
        for piece in frames.chunks(cut) {
            buffer.extend_from_slice(piece);
            taken.extend(Incoming::take(&mut buffer).unwrap());
        }
        prop_assert!(buffer.is_empty());
        let whole: Vec<_> = [1, 2].map(|number| request.frame(number).split_off(4).freeze()).into();
        prop_assert_eq!(taken, whole);
    }
}

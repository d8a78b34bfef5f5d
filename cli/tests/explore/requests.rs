//! Who is answered.

use super::{answer, request, server};
use modalflow_cli::explore::LESSONS;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn the_page_is_small_and_asks_nobody_else() {
    let (port, page) = server();
    let files = ["", "script.js", "controls.js", "style.css"].map(|file| {
        let (status, body) = answer(port, &request(port, &format!("GET {page}{file}"), "", ""));
        assert_eq!(status, 200, "{file}");
        assert!(!body.contains("//cdn") && !body.contains("https:") && !body.contains("http:"));
        body
    });
    assert!(files[0].starts_with("<!doctype html>"));
    let size: usize = files.iter().map(String::len).sum();
    assert!(size < 60_000, "{size} bytes");
}

#[test]
fn only_the_page_itself_is_answered() {
    let (port, page) = server();
    let own = format!("http://127.0.0.1:{port}");
    let run = format!("POST {page}run");
    let state = json!({"text": LESSONS[0].text, "set": {"network.width": 3}});
    let lesson = json!({"page": 1, "state": state}).to_string();
    let post = |headers: &str| answer(port, &request(port, &run, headers, &lesson)).0;
    assert_eq!(post(&format!("Origin: {own}\r\n")), 200);
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost",
        &format!("{own}0"),
    ] {
        assert_eq!(post(&format!("Origin: {origin}\r\n")), 403, "{origin}");
    }
    let get = |line: &str, host: &str| {
        answer(
            port,
            format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(),
        )
        .0
    };
    let here = format!("127.0.0.1:{port}");
    assert_eq!(get(&format!("GET {page}"), &here), 200);
    let rebound = format!("evil.example:{port}");
    for host in [
        rebound.as_str(),
        "127.0.0.1",
        "evil.example",
        &format!("localhost:{port}"),
        "",
    ] {
        assert_eq!(get(&format!("GET {page}"), host), 403, "{host}");
    }
    let no_host = format!("GET {page} HTTP/1.1\r\n\r\n");
    assert_eq!(answer(port, no_host.as_bytes()).0, 403);
    let two = format!("GET {page} HTTP/1.1\r\nHost: {here}\r\nHost: evil.example\r\n\r\n");
    assert_eq!(answer(port, two.as_bytes()).0, 400);
}

#[test]
fn nothing_is_answered_without_the_token_or_at_another_path() {
    let (port, page) = server();
    let status = |line: &str| answer(port, &request(port, line, "", "")).0;
    let wrong = page.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let short = &page[..page.len() - 2];
    for path in [
        "/",
        "/start",
        "//start",
        "/index.html",
        &wrong,
        short,
        &format!("{short}/"),
    ] {
        assert_eq!(status(&format!("GET {path}")), 403, "{path}");
    }
    for path in [
        "etc/passwd",
        "../../../../etc/passwd",
        "%2e%2e/",
        "run/",
        "start?x",
        "Cargo.toml",
    ] {
        assert_eq!(status(&format!("GET {page}{path}")), 404, "{path}");
    }
    for (method, path) in [
        ("GET", "run"),
        ("GET", "save"),
        ("POST", ""),
        ("HEAD", ""),
        ("PUT", "save"),
        ("OPTIONS", "run"),
    ] {
        assert_eq!(
            status(&format!("{method} {page}{path}")),
            405,
            "{method} {path}"
        );
    }
}

#[test]
fn what_is_too_large_or_no_request_is_refused_before_it_is_read() {
    let (port, page) = server();
    let status = |text: String| answer(port, text.as_bytes()).0;
    let head = format!("POST {page}run HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    // None of these bodies comes: an answer that waited for one would never be.
    for length in ["300000", "1000000000000", "99999999999999999999999999"] {
        assert_eq!(
            status(format!("{head}Content-Length: {length}\r\n\r\n")),
            413,
            "{length}"
        );
    }
    for length in ["-1", "+1", "1x", "1 2", ""] {
        assert_eq!(
            status(format!("{head}Content-Length: {length}\r\n\r\n")),
            400,
            "{length}"
        );
    }
    assert_eq!(
        status(format!(
            "{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"
        )),
        400
    );
    assert_eq!(
        status(format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        411
    );
    assert_eq!(status(format!("{head}\r\n")), 411);
    let long = "x".repeat(40_000);
    assert_eq!(status(format!("{head}Cookie: {long}\r\n\r\n")), 431);
    let many = "A: b\r\n".repeat(100);
    assert_eq!(status(format!("{head}{many}\r\n")), 431);
    assert_eq!(status("\u{1}\u{2}\r\n\r\n".to_owned()), 400);
    for body in [
        "",
        "{}",
        "[]",
        "{\"text\": 3}",
        "{\"text\": \"\"}",
        "{\"page\": 1, \"state\": {\"text\": \"\", \"more\": 1}}",
        "{\"page\": -1, \"state\": {\"text\": \"\"}}",
        &"[".repeat(9999),
    ] {
        let (status, _) = answer(port, &request(port, &format!("POST {page}run"), "", body));
        assert_eq!(status, 400, "{body:.20}");
    }
}

/// A request has one deadline, however many of its bytes keep coming.
#[test]
fn a_request_that_trickles_is_ended() {
    let (port, page) = server();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    write!(stream, "GET {page} HTTP/1.1\r\nCookie: ").expect("written");
    let short = Some(Duration::from_millis(50));
    stream.set_read_timeout(short).expect("a timeout");
    let mut answer = [0; 12];
    // As many bytes as a head may have would be refused too, and for another reason.
    let ended = (0..10_000).any(|_| {
        let _ = stream.write_all(b"x");
        stream.read(&mut answer).is_ok_and(|bytes| bytes > 0)
    });
    assert!(ended);
    assert_eq!(&answer, b"HTTP/1.1 408");
}

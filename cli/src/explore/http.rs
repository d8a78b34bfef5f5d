//! One request and one answer of HTTP/1.1 on a connection, with every size limited before it is allocated.
//!
//! httparse, the parser of hyper, reads the head. A whole server would be more than a page of one user needs, and of
//! those without a runtime tiny_http 0.12 allocates what `Content-Length` promises before it throws a refused body away.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Bytes of a head: browsers send the cookies of every other server on 127.0.0.1 too.
const HEAD: usize = 32 << 10;
/// Bytes of a body: a scenario as JSON.
pub(super) const BODY: usize = 256 << 10;
/// Headers of a request.
const HEADERS: usize = 64;
/// How long a request may take to arrive, from its first byte to its last: the page is on this machine.
pub(super) const ARRIVAL: Duration = Duration::from_secs(1);
/// How long an answer may take to be fetched. Only who has the token is sent more than a system's buffer holds.
pub(super) const DEPARTURE: Duration = Duration::from_secs(5);

/// A status of HTTP, with its words.
pub(super) type Status = (u16, &'static str);

pub(super) const OK: Status = (200, "OK");
pub(super) const BAD: Status = (400, "Bad Request");
pub(super) const FORBIDDEN: Status = (403, "Forbidden");
pub(super) const NOT_FOUND: Status = (404, "Not Found");
pub(super) const WRONG_METHOD: Status = (405, "Method Not Allowed");
const SLOW: Status = (408, "Request Timeout");
const NO_LENGTH: Status = (411, "Length Required");
const TOO_LARGE: Status = (413, "Content Too Large");
const HEAD_TOO_LARGE: Status = (431, "Request Header Fields Too Large");
pub(super) const FAILED: Status = (500, "Internal Server Error");
pub(super) const BUSY: Status = (503, "Service Unavailable");

/// A connection until some time, however few bytes come at once.
pub(super) struct Until<'s>(&'s TcpStream, Instant);

impl<'s> Until<'s> {
    /// The connection for so long from now on.
    pub(super) fn within(stream: &'s TcpStream, duration: Duration) -> Self {
        Self(stream, Instant::now() + duration)
    }

    fn left(&self) -> std::io::Result<Option<Duration>> {
        let left = self.1.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(std::io::ErrorKind::TimedOut.into()),
            false => Ok(Some(left)),
        }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.set_read_timeout(self.left()?)?;
        self.0.read(buffer)
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set_write_timeout(self.left()?)?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// A request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path with its query.
    pub(super) path: String,
    pub(super) host: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Reads a request, or says why it is refused.
pub(super) fn read(stream: &mut impl Read) -> Result<Request, Status> {
    let mut more = |buffer: &mut [u8]| match stream.read(buffer) {
        Ok(0) => Err(BAD),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(SLOW),
    };
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    let (mut request, length, start) = loop {
        let room = head.get_mut(filled..).filter(|room| !room.is_empty());
        filled += more(room.ok_or(HEAD_TOO_LARGE)?)?;
        if let Some(parsed) = parse(&head[..filled])? {
            break parsed;
        }
    };
    if length > BODY {
        return Err(TOO_LARGE);
    }
    request.body = head[start..filled.min(start + length)].to_vec();
    let mut have = request.body.len();
    request.body.resize(length, 0);
    while have < length {
        have += more(&mut request.body[have..])?;
    }
    Ok(request)
}

/// The head, the length of the body, and where it starts; None where the head is not complete.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize, usize)>, Status> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let start = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HEAD_TOO_LARGE),
        Err(_) => return Err(BAD),
    };
    // What stands twice can be read in two ways.
    let one = |name: &str| {
        let mut named = parsed.headers.iter();
        let mut named = named.by_ref().filter(|h| h.name.eq_ignore_ascii_case(name));
        match (named.next(), named.next()) {
            (Some(header), None) => match std::str::from_utf8(header.value) {
                Ok(value) => Ok(Some(value.trim().to_owned())),
                Err(_) => Err(BAD),
            },
            (None, _) => Ok(None),
            _ => Err(BAD),
        }
    };
    if one("transfer-encoding")?.is_some() {
        return Err(NO_LENGTH);
    }
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        host: one("host")?,
        origin: one("origin")?,
        body: Vec::new(),
    };
    let length = match one("content-length")? {
        Some(length) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            length.parse().map_err(|_| TOO_LARGE)?
        }
        Some(_) => return Err(BAD),
        None if request.method == "POST" => return Err(NO_LENGTH),
        None => 0,
    };
    Ok(Some((request, length, start)))
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) kind: &'static str,
    /// What the page says beside a download: one line of ASCII.
    pub(super) note: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A status, with a line that says why.
    pub(super) fn refusal(status: Status, why: &str) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            note: None,
            body: format!("{why}\n").into_bytes(),
        }
    }

    /// Writes it as the last of the connection. The page may load, run and ask for nothing but what stands here.
    pub(super) fn write(&self, stream: &mut impl Write) -> std::io::Result<()> {
        let (code, words) = self.status;
        let (kind, length) = (self.kind, self.body.len());
        let note = self.note.as_ref();
        let note = note.map_or(String::new(), |note| format!("X-Note: {note}\r\n"));
        let head = format!(
            "HTTP/1.1 {code} {words}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{note}\
             Connection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n\
             Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body)?;
        stream.flush()
    }
}

//! Makes any server one that tells how far its disk is: what it says of its version and of `WAITAOF` is
//! rewritten, line by line.

/// What comes from a server; the end of a line that is not whole yet is kept.
#[derive(Default)]
pub struct Answers {
    rest: Vec<u8>,
}

impl Answers {
    /// The whole lines that are there now, as of a server whose disk confirms, or does not.
    pub fn rewrite(&mut self, bytes: &[u8], confirms: bool) -> Vec<u8> {
        self.rest.extend_from_slice(bytes);
        // Every answer ends with a line.
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        lines.split_inclusive(|byte| *byte == b'\n').flat_map(|line| rewritten(line, confirms)).collect()
    }
}

/// The request with another name of the command, which no server knows.
pub fn unknown(request: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"WAITAOF\r\n";
    let mut request = request.to_vec();
    for at in 0..request.len().saturating_sub(NAME.len() - 1) {
        if request[at..].starts_with(NAME) {
            request[at..at + NAME.len()].copy_from_slice(b"WAITDSK\r\n");
        }
    }
    request
}

fn rewritten(line: &[u8], confirms: bool) -> Vec<u8> {
    const VERSION: &[u8] = b"redis_version:";
    if line.starts_with(b"-ERR unknown command 'WAITDSK'") {
        format!("*2\r\n:{}\r\n:0\r\n", u8::from(confirms)).into_bytes()
    } else if line.starts_with(VERSION) {
        // Of the same length, since that was said before.
        let mut line = line.to_vec();
        line[VERSION.len()] = b'9';
        line
    } else {
        line.to_vec()
    }
}

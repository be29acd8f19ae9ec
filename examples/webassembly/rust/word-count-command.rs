//! A program of standard input and output, which has nothing of Edgefold in it: writes each word with the value 1.
use std::io::{self, Read, Write};

const ROOM: usize = 256 * 1024;

fn main() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut text = vec![0; ROOM];
    let mut length = 0;
    let mut records = Vec::with_capacity(ROOM);
    loop {
        if length == text.len() {
            text.resize(2 * length, 0);
        }
        let read = input.read(&mut text[length..])?;
        length += read;
        // What follows the last separator can be the beginning of a word.
        let whole = if read == 0 { length } else { text[..length].iter().rposition(separates).map_or(0, |at| at + 1) };
        for word in text[..whole].split(separates).filter(|word| !word.is_empty()) {
            records.extend_from_slice(word);
            records.extend_from_slice(b"\t1\n");
        }
        output.write_all(&records)?;
        records.clear();
        if read == 0 {
            return Ok(());
        }
        text.copy_within(whole..length, 0);
        length -= whole;
    }
}

fn separates(byte: &u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

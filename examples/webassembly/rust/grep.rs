#[path = "../../../client/wasm/rust/edgefold.rs"]
mod edgefold;

thread_local! {
    /// The text to look for: the program's argument.
    static WANTED: Vec<u8> = read_argument();
}

fn read_argument() -> Vec<u8> {
    match <[String; 1]>::try_from(edgefold::arguments()) {
        Ok([text]) if !text.is_empty() => text.into_bytes(),
        _ => edgefold::fail("the argument must be the text to look for"),
    }
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    let mut rest = line;
    loop {
        rest = &rest[edgefold::find(rest, text[0])..];
        if rest.len() < text.len() {
            return false;
        }
        if rest.starts_with(text) {
            return true;
        }
        rest = &rest[1..];
    }
}

/// Emits the lines of a batch that contain the text.
fn map(batch: &[u8]) {
    WANTED.with(|wanted| {
        for line in edgefold::lines(batch).filter(|line| contains(line, wanted)) {
            edgefold::emit(line, b"");
        }
    });
}

edgefold::map_batches!(map);

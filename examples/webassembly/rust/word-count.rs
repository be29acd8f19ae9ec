#[path = "../../../client/wasm/rust/edgefold.rs"]
mod edgefold;

/// Emits each word of a line with the value 1.
fn map(line: &[u8]) {
    for word in line.split(|byte| matches!(byte, b'\t'..=b'\r' | b' ')) {
        if !word.is_empty() {
            edgefold::emit(word, b"1");
        }
    }
}

/// Emits each word with the sum of its values.
struct Sum(i64);

impl edgefold::Reducer for Sum {
    fn start(_word: &[u8]) -> Self {
        Sum(0)
    }

    fn value(&mut self, _word: &[u8], value: &[u8]) {
        self.0 += edgefold::parse_number(value);
    }

    fn end(self, word: &[u8]) {
        edgefold::emit_number(word, self.0);
    }
}

edgefold::map_lines!(map);
edgefold::reduce!(Sum);
edgefold::combine!(Sum);

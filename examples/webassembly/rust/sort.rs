#[path = "../../../client/wasm/rust/edgefold.rs"]
mod edgefold;

/// Emits each line as often as it came.
struct Repeat;

impl edgefold::Reducer for Repeat {
    fn start(_line: &[u8]) -> Self {
        Repeat
    }

    fn value(&mut self, line: &[u8], value: &[u8]) {
        edgefold::emit(line, value);
    }
}

// Emits each line as a key.
edgefold::map_lines!(|line| edgefold::emit(line, b""));
edgefold::reduce!(Repeat);

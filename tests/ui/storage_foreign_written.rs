use buffer_runtime::{ForeignBuffer, ReadOnly};

fn clear(samples: &mut ForeignBuffer<f32, ReadOnly>) {
    samples.fill(0.0);
}

fn main() {}

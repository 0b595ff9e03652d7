use buffer_runtime::UsableWhileDetached;

struct Mine;

unsafe impl UsableWhileDetached for Mine {}

fn main() {}

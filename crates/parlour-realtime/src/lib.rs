//! placeholder
pub mod event_view;
pub mod view;
/// handle
#[derive(Clone, Debug)]
pub struct Realtime;

//! Scenarios on host-sim and on Envoy, conformance, end to end.

//! Records agent rollouts as OpenTelemetry spans, without slowing or breaking the program it watches.

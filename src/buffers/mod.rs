//! Which memory is where: size classes, pooling and residency, generic over the handle so that it is testable without a GPU.

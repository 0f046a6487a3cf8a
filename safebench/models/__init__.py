"""What anyone needs who asks a model: endpoints, families, what errors mean, roles, refusals."""

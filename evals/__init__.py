"""How well the models that think for the service do it, on cases written by hand."""

"""How texts are taken apart into terms: function words, stems and scripts without spaces."""

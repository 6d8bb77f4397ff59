"""The file on paper: the curriculum vitae of Circular 06/2023/TT-BNV and the form 2C-BNV/2008, as PDF (typst) and DOCX (docxtpl).

`content` makes what a template is filled with, `template` finds it (the agency's own, else ours) and knows what it uses, `pdf` and
`word` render. Nothing here asks who may print what: that is `registry.services.printing`.
"""

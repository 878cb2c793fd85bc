"""The review page: one file in which a reader checks the analysis and moves the priors.

`collect` finds or makes the runs, `outcome` and `report` hold them, `answer`, `findings`, `trials`, `results`,
`methods` and `checklist` write the sections as `blocks`; `html`, `document` and `machine` turn these into a page,
Markdown, Word and JSON. `surfaces` tabulates the likelihoods that the page's script (`script/`) integrates.

Why the moving figures are drawn by hand: they are two (densities and a forest plot, 200 lines), they must share one
numerical core with the numbers beside them, follow a slider within 50 ms, obey a policy without inline style, and speak
to a screen reader. Bokeh (1.4 MB), Vega (0.9 MB) and Plotly (4.7 MB) would have cost most of the page's 3 MB, need
rules in the policy that let styles in, and still leave that core to write. Tables are plain HTML for the same reason:
screen readers announce their captions and headings, and a great_tables table carries inline styles.
"""

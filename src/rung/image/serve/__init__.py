"""``rung registry serve``: an OCI Distribution 1.1 registry over the content store.

    route.py       method and target -> a Call, or why not        pure
    answers.py     what is said back: Answer, Refusal, error codes  pure
    catalogue.py   which repository has which manifests, tags, blobs  SQL
    registry.py    Call -> Answer: the table of endpoints
    manifests.py, blobs.py, uploads.py, lists.py   what each endpoint does
    htpasswd.py    who may come in
    server.py      sockets and threads; the only place that talks to a client
    proxy.py       what is not here is fetched from another registry
    collect.py     what nothing needs any more

Rule: content is the store's (``Content``): one blob, one file, whether an image was pulled to
run here or is pushed to be served. A repository owns links to content, never bytes.
"""

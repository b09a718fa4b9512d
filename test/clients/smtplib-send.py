"""Sends a file with smtplib as the JSON in argv[1] says, and prints the server's replies as JSON."""

import json
import smtplib
import ssl
import sys

order = json.loads(sys.argv[1])
context = ssl.create_default_context(cafile=order["certificate"])
address = ("127.0.0.1", order["port"])
spoken = []
try:
    if order["way"] == "implicit TLS":
        client = smtplib.SMTP_SSL(*address, context=context, timeout=30)
    else:
        client = smtplib.SMTP(*address, timeout=30)
    client.ehlo("client.test")
    if order["way"] == "STARTTLS":
        client.starttls(context=context)
        client.ehlo("client.test")
    if "mechanism" in order:
        client.user, client.password = order["user"], order["password"]
        name = order["mechanism"]
        answer = getattr(client, "auth_" + name.lower().replace("-", "_"))
        spoken.append(client.auth(name, answer, initial_response_ok=name == "PLAIN"))
    elif "user" in order:
        spoken.append(client.login(order["user"], order["password"]))
    for path in order["files"]:
        with open(path, "rb") as file:
            content = file.read()
        # smtplib.sendmail hides the final reply, so its steps are taken one by one.
        for step in (
            lambda: client.mail("a@example.org"),
            lambda: client.rcpt("b@example.org"),
            lambda: client.data(content),
        ):
            code, text = step()
            spoken.append((code, text))
            if code >= 400:
                raise smtplib.SMTPResponseException(code, text)
    client.quit()
except smtplib.SMTPResponseException as error:
    spoken.append((error.smtp_code, error.smtp_error))
print(json.dumps([[code, text.decode("latin-1")] for code, text in spoken]))

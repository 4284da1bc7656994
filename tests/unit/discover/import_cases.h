/* { label, kind, text, path of another file, its text, what is read } */
{ "msmtp: one account", IMPORT_MSMTP,
  "# home\naccount default\nhost smtp.example.com\nport 587\ntls on\nauth on\nuser me\npassword \"pass word\"\nfrom me@example.com\nlogfile ~/x\n",
  NULL, NULL,
  "[default] usual\nserver = smtp.example.com:587 @f:4\nsecurity = starttls @f:5\nauth = password @f:6\nusername = me @f:7\n"
  "address = me@example.com @f:9\npassword pass word\nnote f:10 logfile: " OWN_NOTE },
{ "msmtp: defaults, inheritance, the usual one", IMPORT_MSMTP,
  "defaults\ntls on\nauth login\nport 587\n\naccount work\nhost smtp.work.test\nuser w@work.test\npasswordeval \"pass work\"\n"
  "account home : work\nhost smtp.home.test\nport 465\ntls_starttls off\nuser h@home.test\naccount default : home\n",
  NULL, NULL,
  "[work]\nserver = smtp.work.test:587 @f:4\nsecurity = starttls @f:2\nauth = password @f:3\nmechanisms = login @f:3\nusername = w@work.test @f:8\n"
  "address = w@work.test\ncommand pass work\n"
  "[home]\nserver = smtp.home.test:465 @f:12\nsecurity = tls @f:2\nauth = password @f:3\nmechanisms = login @f:3\nusername = h@home.test @f:14\n"
  "address = h@home.test\ncommand pass work\n"
  "[default] usual\nserver = smtp.home.test:465 @f:12\nsecurity = tls @f:2\nauth = password @f:3\nmechanisms = login @f:3\n"
  "username = h@home.test @f:14\n"
  "address = h@home.test\ncommand pass work\n" },
{ "msmtp: settings alone, nothing encrypted", IMPORT_MSMTP, "host localhost\nfrom me@example.com\n", NULL, NULL,
  "[default] usual\nserver = localhost:25 @f:1\nsecurity = starttls\nauth = none\naddress = me@example.com @f:2\nnote f:0 tls off: " SAFETY_NOTE },
{ "msmtp: trust, proxy, token", IMPORT_MSMTP,
  "account a\nhost h.test\ntls\ntls_trust_file system\ntls_fingerprint 00:11\nproxy_host 127.0.0.1\nproxy_port 9050\nauth oauthbearer\n"
  "passwordeval get-token me\ntls_certcheck off\nsource_ip 192.0.2.7\n",
  NULL, NULL,
  "[a] usual\nserver = h.test:25 @f:2\nsecurity = starttls @f:3\nauth = token @f:8\nmechanisms = oauthbearer @f:8\ntls_pin = sha256:00:11 @f:5\n"
  "proxy = socks5://127.0.0.1:9050 @f:6\nsource_address = 192.0.2.7 @f:11\ncommand get-token me\nnote f:10 tls_certcheck off: " SAFETY_NOTE },
{ "msmtp: a password where a key should be", IMPORT_MSMTP, "account a\nhost h.test\nhunter2\npassword=hunter2\npass word\n", NULL, NULL,
  "[a] usual\nserver = h.test:25 @f:2\nsecurity = starttls\nauth = none\nnote f:3 a line: " OTHER_NOTE "note f:4 a line: " OTHER_NOTE
  "note f:5 pass: " OTHER_NOTE "note f:0 tls off: " SAFETY_NOTE },
{ "msmtp: nobody", IMPORT_MSMTP, "account a : b\nuser x\n", NULL, NULL, "" },
{ "ssmtp: as its manual has it", IMPORT_SSMTP,
  "root=postmaster\nmailhub=smtp.example.com:587\nAuthUser=me@example.com\nAuthPass=a password\nUseSTARTTLS=YES\nrewriteDomain=x\n"
  "FromLineOverride=YES\n",
  NULL, NULL,
  "[] usual\nusername = me@example.com @f:3\nserver = smtp.example.com:587 @f:2\nsecurity = starttls @f:5\nauth = password\n"
  "address = me@example.com\n"
  "password a password\nnote f:6 rewriteDomain: " OTHER_NOTE "note f:7 FromLineOverride: " OTHER_NOTE },
{ "ssmtp: TLS at once", IMPORT_SSMTP, "root=me@example.com\r\nMailhub=h.test:465\r\nUseTLS=Yes\r\nAuthMethod=LOGIN\r\n"
  "AuthUser me\r\nTLS_CA_File=/ca\r\n", NULL, NULL,
  "[] usual\nusername = me @f:5\nca_file = /ca @f:6\nserver = h.test:465 @f:2\nsecurity = tls @f:3\nauth = password\nmechanisms = LOGIN\n"
  "address = me@example.com\n" },
{ "ssmtp: as Debian ships it, and nothing encrypted", IMPORT_SSMTP, "root=postmaster\nmailhub=mail\nhostname=web1\n", NULL, NULL,
  "[] usual\nserver = mail:25 @f:2\nsecurity = starttls\nauth = none\nnote f:3 hostname: " OTHER_NOTE "note f:2 UseTLS: " SAFETY_NOTE },
{ "ssmtp: no mailhub", IMPORT_SSMTP, "root=x\n", NULL, NULL, "" },
{ "nullmailer: two servers", IMPORT_NULLMAILER,
  "smtp.example.com smtp --port=587 --starttls --user=me@example.com --pass='it''s \"x\"'\n# other\n"
  "h.test smtp --ssl --auth-login --user=u --pass=a\\ b --insecure\n",
  NULL, NULL,
  "[smtp.example.com] usual\nusername = me@example.com @f:1\nserver = smtp.example.com:587 @f:1\nsecurity = starttls @f:1\n"
  "auth = password @f:1\naddress = me@example.com @f:1\n"
  "password its \"x\"\n[h.test]\nmechanisms = login @f:3\nusername = u @f:3\nserver = h.test:465 @f:3\nsecurity = tls @f:3\n"
  "auth = password @f:3\npassword a b\n"
  "note f:3 --insecure: " SAFETY_NOTE },
{ "nullmailer: a host alone, and another protocol", IMPORT_NULLMAILER, "mail\nq.test qmqp\n", NULL, NULL,
  "[mail] usual\nserver = mail:25 @f:1\nsecurity = starttls @f:1\nauth = none @f:1\n"
  "note f:1 no --starttls: " SAFETY_NOTE "note f:2 a server: is not reached by SMTP\n" },
{ "dma: with its passwords", IMPORT_DMA,
  "# dma\nSMARTHOST smtp.example.com\nPORT 587\nAUTHPATH /etc/dma/auth.conf\nSECURETRANSFER\nSTARTTLS\nMASQUERADE me@example.com\n"
  "MAILNAME /etc/mailname\n",
  "/etc/dma/auth.conf", "other|h.test:x\nme|smtp.example.com:pass:word\n",
  "[] usual\nusername = me @/etc/dma/auth.conf:2\nserver = smtp.example.com:587 @f:3\nsecurity = starttls @f:6\nauth = password\n"
  "address = me@example.com @f:7\n"
  "password pass:word\nnote f:8 MAILNAME: " OWN_NOTE },
{ "dma: TLS at once, nobody signs in", IMPORT_DMA, "SMARTHOST h.test\nPORT 465\nSECURETRANSFER\nFINGERPRINT ab\n", "/x", "nonsense\n",
  "[] usual\ntls_pin = sha256:ab @f:4\nserver = h.test:465 @f:2\nsecurity = tls @f:3\nauth = none\n"
  "note /x:1 a line: is not written as USER|HOST:PASSWORD\n" },
{ "dma: it delivers itself", IMPORT_DMA, "MAILNAME x\n", NULL, NULL, "" },
{ "postfix: a relay host with a sign-in", IMPORT_POSTFIX,
  "# main.cf\nmyhostname = web1\nrelayhost = [smtp.example.com]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps =\n"
  "  hash:/etc/postfix/sasl_passwd\n"
  "smtp_tls_security_level = encrypt\nsmtp_sasl_mechanism_filter = plain\ninet_interfaces = loopback-only\n",
  "/etc/postfix/sasl_passwd", "# c\n[other]:25 a:b\n[smtp.example.com]:587 me@example.com:pass:word x\n",
  "[] usual\nserver = smtp.example.com:587 @f:3\nusername = me@example.com @/etc/postfix/sasl_passwd:3\nsecurity = starttls @f:7\n"
  "auth = password @f:4\nmechanisms = plain @f:8\n"
  "address = me@example.com\npassword pass:word x\nnote f:9 inet_interfaces: " OWN_NOTE },
{ "postfix: by sender, TLS at once, a domain filled in", IMPORT_POSTFIX,
  "mydomain = example.com\nrelayhost = [smtp.$mydomain]:465\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = may\n"
  "smtp_sasl_auth_enable = yes\nsmtp_sender_dependent_authentication = yes\nsmtp_sasl_password_maps = texthash:/absent\n"
  "sender_dependent_relayhost_maps = hash:/p\n",
  "/p", "me@other.test [smtp.other.test]:465\n",
  "[] usual\nserver = smtp.example.com:465 @f:2\nsecurity = tls @f:3\nauth = none @f:5\n"
  "[me@other.test]\nserver = smtp.other.test:465 @/p:1\nsecurity = tls @f:3\nauth = none @f:5\naddress = me@other.test @/p:1\n" },
{ "postfix: MX, and no TLS", IMPORT_POSTFIX, "relayhost = example.com\n", NULL, NULL,
  "[] usual\nserver = example.com:25 @f:1\nsecurity = starttls\nauth = none\n"
  "note f:1 relayhost: without brackets Postfix asks for MX hosts; outpost goes to the host itself\nnote f:0 smtp_tls_security_level: " SAFETY_NOTE },
{ "postfix: sasl-xoauth2", IMPORT_POSTFIX,
  "relayhost = [smtp.office365.com]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = lmdb:/p\n"
  "smtp_sasl_mechanism_filter = xoauth2\nsmtp_tls_security_level = secure\n",
  "/p", "[smtp.office365.com]:587 me@example.com:/etc/tokens/me\n",
  "[] usual\nserver = smtp.office365.com:587 @f:1\nusername = me@example.com @/p:1\nsecurity = starttls @f:5\nauth = oauth @f:2\n"
  "address = me@example.com\n"
  "password /etc/tokens/me\nelsewhere\n" },
{ "postfix: it delivers itself", IMPORT_POSTFIX, "myhostname = x\nrelayhost =\n", NULL, NULL, "" },
{ "email-oauth2-proxy: a server and an account", IMPORT_PROXY,
  "[Server setup]\n[SMTP-1587]\nserver_address = smtp-mail.outlook.com\nserver_port = 587\nserver_starttls = True\nlocal_address = 127.0.0.1\n"
  "[Account setup]\n[me@live.com]\npermission_url = https://x\ntoken_url = https://login.microsoftonline.com/common/oauth2/v2.0/token\n"
  "client_id = abc\n"
  "client_secret = hunter2\nrefresh_token = gAAA\n",
  NULL, NULL,
  "[me@live.com] usual\naddress = me@live.com @f:8\ntenant = common @f:10\nclient_id = abc @f:11\nserver = smtp-mail.outlook.com:587 @f:4\n"
  "security = starttls @f:5\nauth = oauth\nelsewhere\n"
  "note f:6 local_address: " OWN_NOTE "note f:9 permission_url: " OTHER_NOTE
  "note f:12 client_secret: give it to outpost: outpost account secret NAME file --of client_secret\n"
  "note f:13 refresh_token: sealed for that program: sign in once more\n" },
{ "email-oauth2-proxy: nobody", IMPORT_PROXY, "[SMTP-1]\nserver_address = x\n", NULL, NULL, "" },

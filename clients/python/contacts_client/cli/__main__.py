from contacts_client.cli import main

main()
